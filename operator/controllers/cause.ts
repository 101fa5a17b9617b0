/** The one cause for which a workload is not ready, asked for where the pods' own status does not tell it all. */
import {
  ApiError,
  Events,
  findCondition,
  type Client,
  type Deployment,
  type Event,
  type KubeObject,
  type Pod,
  type ReconcileContext,
} from '../runtime/index.ts';
import type { ReferencedData } from '../resources/environment.ts';
import type { Deps } from './deps.ts';
import { inWords, nextFaultMs, worstFault, type PodFault } from './diagnosis.ts';
import { lastWords } from './last-words.ts';
import { maskOf } from './masking.ts';

export interface Cause {
  /** In words; undefined where nothing is known to be wrong. */
  words?: string;
  /** When to ask again: nothing reports that there is a new event, or that a grace period is over. */
  lookAgainMs?: number;
}

/** How often what nothing reports is asked for again, while a workload is not ready. */
const LOOK_AGAIN_MS = 5_000;

/** A workload that was just made has no pods yet, and that means nothing. */
const SETTLED_MS = 3_000;

type Asking = Pick<Deps, 'client' | 'caches' | 'clock'>;

/**
 * Why a Deployment, StatefulSet or Job is not ready: what its pods say of themselves, or why it has none. Reads logs and events, once a
 * crash, and only while something is wrong. Passwords are masked.
 */
export async function findCause(
  deps: Asking,
  workload: KubeObject & { status?: unknown },
  pods: readonly Pod[],
  { signal, referenced = {} }: Pick<ReconcileContext, 'signal'> & { referenced?: ReferencedData },
): Promise<Cause> {
  const now = deps.clock.now();
  const found = worstFault(pods, now);
  const isNew = now.getTime() - Date.parse(workload.metadata.creationTimestamp ?? '') < SETTLED_MS;
  const refusal =
    found?.fault.isCertain || isNew ? undefined : await creationRefusal(deps.client, workload, pods, signal);
  const { namespace = '' } = workload.metadata;
  const maskFor = (pod?: Pod) => maskOf({ secrets: deps.caches.secrets.list({ namespace }), referenced, pod });
  if (refusal) return { words: maskFor()(refusal), lookAgainMs: LOOK_AGAIN_MS };
  if (!found) return lookAgain(pods.length === 0 ? SETTLED_MS : nextFaultMs(pods, now));
  const { pod, fault } = found;
  const { words, lookAgainMs } = await answered(deps, pod, fault, { mask: maskFor(pod), signal });
  if (lookAgainMs !== undefined) return { words, lookAgainMs };
  const isReported = fault.isCertain && fault.question?.kind !== 'claims';
  return { words, ...(!isReported && { lookAgainMs: LOOK_AGAIN_MS }) };
}

function lookAgain(ms: number | undefined): Cause {
  return ms === undefined ? {} : { lookAgainMs: ms };
}

/** Why pods are not even made: a quota, an admission policy, a missing account. */
async function creationRefusal(
  client: Client,
  workload: KubeObject & { status?: unknown },
  pods: readonly Pod[],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (workload.kind === 'Deployment') {
    const failure = findCondition((workload as Deployment).status?.conditions, 'ReplicaFailure');
    return failure?.status === 'True' ? `cannot create pods: ${failure.message}` : undefined;
  }
  if (pods.length > 0) return undefined;
  const [event] = await newestEvents(client, workload, 'FailedCreate', signal);
  return event?.note && `cannot create pods: ${event.note}`;
}

/** The fault in words, with the answer to what its status leaves open, masked; and when to ask again where nobody answered. */
async function answered(
  { client, caches, clock }: Asking,
  pod: Pod,
  { words, said = '', question }: PodFault,
  { mask, signal }: { mask: (text: string) => string; signal: AbortSignal },
): Promise<Cause & { words: string }> {
  const inMaskedWords = (fact: string, what = '') => ({ words: mask(inWords(pod, fact, what)) });
  if (question?.kind === 'log') {
    const { text, askAgainAt } = await crashLog(client, pod, question, { now: clock.now().getTime(), signal });
    const cause = inMaskedWords(words, lastWords(text, mask) || lastWords(said, mask));
    return { ...cause, ...(askAgainAt !== undefined && { lookAgainMs: READ_AGAIN_MS }) };
  }
  if (question?.kind === 'probe') {
    const failed = (await newestEvents(client, pod, 'Unhealthy', signal)).filter(
      (event) => lastSeen(event) >= Date.parse(question.since),
    );
    // Of probes that fail by turns always the same one: a status that follows them is written all the time.
    const { note } = failed.find((event) => event.note?.startsWith('Readiness')) ?? failed[0] ?? {};
    if (note) return inMaskedWords('is not ready', note.trim());
  }
  if (question?.kind === 'claims') {
    for (const name of question.names) {
      const claim = caches.claims.get({ namespace: pod.metadata.namespace ?? '', name });
      if (!claim || claim.status?.phase === 'Bound') continue;
      const [event] = await newestEvents(client, claim, undefined, signal);
      const state = event?.note ?? `it is ${claim.status?.phase ?? 'new'}, and nobody has said why`;
      return inMaskedWords(`waits for volume claim ${name}`, state);
    }
  }
  return inMaskedWords(words, lastWords(said, mask));
}

interface CrashLog {
  text: string;
  /** Where nobody answered: when to ask again. */
  askAgainAt?: number;
}

/** Logs of instances that ended do not change: each is read once. */
const crashLogs = new WeakMap<Client, Map<string, CrashLog>>();
const MAX_LOGS = 500;
/** The kubelet of a node that is down does not answer: the cause must not wait for it. */
const LOG_TIMEOUT_MS = 2_000;
const READ_AGAIN_MS = 30_000;

async function crashLog(
  client: Client,
  pod: Pod,
  { container, previous, instance }: { container: string; previous: boolean; instance: number },
  { now, signal }: { now: number; signal: AbortSignal },
): Promise<CrashLog> {
  const known = crashLogs.get(client) ?? new Map<string, CrashLog>();
  crashLogs.set(client, known);
  const id = `${pod.metadata.uid}/${container}/${instance}`;
  const read = known.get(id);
  if (read && now < (read.askAgainAt ?? Infinity)) return read;
  const key = { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
  const options = { container, previous, tailLines: 100, limitBytes: 65_536 };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LOG_TIMEOUT_MS)]);
  const log: CrashLog = await client.podLogs(key, { ...options, signal: limit }).then(
    (text) => ({ text }),
    (error: unknown) => (hasNoLog(error) ? { text: '' } : { text: '', askAgainAt: now + READ_AGAIN_MS }),
  );
  known.set(id, log);
  const [oldest] = known.keys();
  if (known.size > MAX_LOGS && oldest !== undefined) known.delete(oldest);
  return log;
}

/** The kubelet answered that there is none, and there will be none. */
function hasNoLog(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 400 || error.status === 404);
}

/** The events of that reason on an object, of any without one; the newest first. */
async function newestEvents(
  client: Client,
  { metadata }: KubeObject,
  reason: string | undefined,
  signal: AbortSignal,
): Promise<Event[]> {
  const { namespace = '', uid = '' } = metadata;
  const fieldSelector = [`regarding.uid=${uid}`, ...(reason ? [`reason=${reason}`] : [])].join();
  const { items } = await client.list(Events, { namespace, fieldSelector, signal });
  return items.toSorted((a, b) => lastSeen(b) - lastSeen(a));
}

function lastSeen({ series, deprecatedLastTimestamp, eventTime, metadata }: Event): number {
  const time = series?.lastObservedTime ?? deprecatedLastTimestamp ?? eventTime ?? metadata.creationTimestamp;
  return Date.parse(time ?? '') || 0;
}
