import { findCondition, type Pod } from '../runtime/index.ts';

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** Why pods are not ready, in the words of the first that says why; undefined where they are, or just need time. */
export function diagnosePods(pods: readonly Pod[]): string | undefined {
  for (const pod of pods) {
    const fault = diagnosePod(pod);
    if (fault) return `pod ${pod.metadata.name} ${fault}`;
  }
  return undefined;
}

function diagnosePod(pod: Pod): string | undefined {
  const scheduled = findCondition(pod.status?.conditions, 'PodScheduled');
  if (scheduled?.status === 'False') return `cannot be scheduled: ${scheduled.message ?? scheduled.reason}`;
  const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const container of containers) {
    const fault = diagnoseContainer(container);
    if (fault) return fault;
  }
  return pod.status?.phase === 'Failed'
    ? `failed: ${pod.status.message ?? pod.status.reason ?? 'for no stated reason'}`
    : undefined;
}

/** Waiting for these is normal. */
const STARTING = new Set(['ContainerCreating', 'PodInitializing']);

function diagnoseContainer({
  name,
  image,
  state,
  lastState,
  ready,
  restartCount,
}: ContainerStatus): string | undefined {
  const { waiting, terminated } = state ?? {};
  const last = terminated ?? lastState?.terminated;
  if (
    waiting &&
    ['ImagePullBackOff', 'ErrImagePull', 'InvalidImageName', 'ErrImageNeverPull'].includes(waiting.reason ?? '')
  ) {
    return `cannot pull image ${image}: ${waiting.message ?? waiting.reason}`;
  }
  if (waiting?.reason === 'CrashLoopBackOff') return crash(name, 'keeps crashing', last);
  if (waiting?.reason && !STARTING.has(waiting.reason))
    return `cannot start ${name}: ${waiting.message ?? waiting.reason}`;
  if (terminated && terminated.exitCode !== 0) return crash(name, 'crashed', terminated);
  if (!ready && restartCount > 0 && last) return crash(name, 'was restarted', last);
  return undefined;
}

function crash(
  name: string,
  verb: string,
  last: { exitCode: number; reason?: string; message?: string } | undefined,
): string {
  const reason = last?.reason && last.reason !== 'Error' ? `${last.reason}, ` : '';
  const words = lastWords(last?.message ?? '');
  return `${verb} (${name}: ${reason}exit code ${last?.exitCode ?? 'unknown'})${words ? `: ${words}` : ''}`;
}

const MAX_WORDS = 400;

/** What a program said at last: the message of its last line of JSON that is an error, or its last lines as they are. */
export function lastWords(log: string): string {
  const lines = log
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const entries = lines.flatMap((line) => parseEntry(line) ?? []);
  const entry = entries.findLast(({ isError }) => isError) ?? entries.at(-1);
  const words = entry?.text ?? lines.slice(-4).join(' ');
  return words.length > MAX_WORDS ? `…${words.slice(-MAX_WORDS)}` : words;
}

function parseEntry(line: string): { text: string; isError: boolean } | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { level, msg, message, err } = JSON.parse(line) as Record<string, unknown>;
    const detail = typeof err === 'object' && err !== null && 'message' in err ? err.message : undefined;
    const text = [msg ?? message, detail]
      .filter((part, i, all) => typeof part === 'string' && part !== all[i - 1])
      .join(': ');
    const isError = typeof level === 'number' ? level >= 50 : /^(error|fatal)$/i.test(String(level));
    return text ? { text, isError } : undefined;
  } catch {
    return undefined;
  }
}
