/** How far a running Job is, in its own words: the last line of its log that tells of it, read at a bounded rate. */
import { JOB_CONTAINER } from '../../resources/job.ts';
import type { Client, Pod, ReconcileContext } from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { maskOf } from '../masking.ts';

/** What a Job last said of itself: it waits for a lock, or gets on. */
export interface JobWords {
  /** Such as `file 3 of 7: 0003_add_price.up.sql`. */
  progress?: string;
  /** Who holds the lock that it waits for. */
  lockHolder?: string;
}

/** The log of one Job is not read more often, whatever else has it looked at; of a Job that takes long, less and less often. */
const READ_EVERY_MS = 2_000;
const READ_LONG_RUNS_EVERY_MS = 15_000;
/** Of its age, how much may pass before a Job is looked at again. */
const SHARE_OF_AGE = 0.05;

/** The kubelet of a node that is down does not answer: nobody is to wait for it. */
const LOG_TIMEOUT_MS = 2_000;
/** Jobs tell of themselves once a second at most. */
const TAIL = { tailLines: 20, limitBytes: 32_768 };
const MAX_WORDS = 300;

interface Reading {
  atMs: number;
  words: JobWords;
}

const readings = new WeakMap<Client, Map<string, Reading>>();
const MAX_READINGS = 500;

/** What the running pod of a Job says, and when to ask again. Nothing for one that has no pod running: then there is nothing to read. */
export async function readProgress(
  { client, caches, clock }: Pick<Deps, 'client' | 'caches' | 'clock'>,
  pods: readonly Pod[],
  { signal }: Pick<ReconcileContext, 'signal'>,
): Promise<{ words: JobWords; lookAgainMs?: number }> {
  const pod = pods.find(isRunning);
  if (!pod) return { words: {} };
  const nowMs = clock.now().getTime();
  const { name, namespace = '', uid = '', creationTimestamp = '' } = pod.metadata;
  const ageMs = nowMs - Date.parse(creationTimestamp) || 0;
  const everyMs = Math.min(Math.max(READ_EVERY_MS, ageMs * SHARE_OF_AGE), READ_LONG_RUNS_EVERY_MS);
  const known = readings.get(client) ?? new Map<string, Reading>();
  readings.set(client, known);
  const last = known.get(uid);
  const dueMs = last ? last.atMs + everyMs - nowMs : 0;
  if (last && dueMs > 0) return { words: last.words, lookAgainMs: dueMs };

  const limit = AbortSignal.any([signal, AbortSignal.timeout(LOG_TIMEOUT_MS)]);
  const options = { container: JOB_CONTAINER, ...TAIL, signal: limit };
  const log = await client.podLogs({ namespace, name }, options).catch(() => '');
  const mask = maskOf({ secrets: caches.secrets.list({ namespace }), referenced: {}, pod });
  const words = wordsIn(log, mask) ?? last?.words ?? {};
  known.delete(uid);
  known.set(uid, { atMs: nowMs, words });
  const [oldest] = known.keys();
  if (known.size > MAX_READINGS && oldest !== undefined) known.delete(oldest);
  return { words, lookAgainMs: everyMs };
}

function isRunning({ status }: Pod): boolean {
  return status?.containerStatuses?.some(({ name, state }) => name === JOB_CONTAINER && state?.running) ?? false;
}

/** The last line that tells of progress or of a lock; undefined where none does. */
function wordsIn(log: string, mask: (text: string) => string): JobWords | undefined {
  for (const line of log.split('\n').reverse()) {
    const { progress, lockHolder } = parseLine(line);
    if (typeof progress === 'string') return { progress: mask(progress).slice(0, MAX_WORDS) };
    if (typeof lockHolder === 'string') return { lockHolder: mask(lockHolder).slice(0, MAX_WORDS) };
  }
  return undefined;
}

/** The first line of a tail may be cut. */
function parseLine(line: string): Record<string, unknown> {
  try {
    return (JSON.parse(line) as Record<string, unknown> | null) ?? {};
  } catch {
    return {};
  }
}
