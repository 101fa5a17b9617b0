/** What a pod's own status says of why it is not ready. Pure: what has to be asked for is named, and asked for by `cause.ts`. */
import { findCondition, type Pod } from '../runtime/index.ts';
import { lastWords } from './last-words.ts';

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];
type Terminated = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

/** Where more can be learnt than the status tells. */
export type Question =
  /** The log of a container's instance that ended, counted from 0. */
  | { kind: 'log'; container: string; previous: boolean; instance: number }
  /** What the kubelet says of a probe since then. */
  | { kind: 'probe'; since: string }
  /** Why volume claims are not bound. */
  | { kind: 'claims'; names: string[] };

export interface PodFault {
  /** What is wrong, after `pod x`. */
  words: string;
  /** What the program said at its end, as far as the status has it: a log. */
  said?: string;
  /** False where it may be about to come right: such a fault gives way to any other. */
  isCertain: boolean;
  question?: Question;
}

/** How long a container may run before its not being ready is worth a word. */
const READY_GRACE_MS = 6_000;
const STARTUP_GRACE_MS = 15_000;
/** So long after a restart its cause is the crash before; later, what the probe says now. */
const CRASH_MEMORY_MS = 20_000;

/** Why pods are not ready, in the words of the one that says most; undefined where they are, or just need time. */
export function diagnosePods(pods: readonly Pod[], now = new Date()): string | undefined {
  const found = worstFault(pods, now);
  return found && inWords(found.pod, found.fault.words, lastWords(found.fault.said ?? ''));
}

export function inWords(pod: Pod, words: string, said: string): string {
  return `pod ${pod.metadata.name} ${words}${said ? `: ${said}` : ''}`;
}

export function worstFault(pods: readonly Pod[], now: Date): { pod: Pod; fault: PodFault } | undefined {
  const faults = pods.flatMap((pod) => {
    const fault = podFault(pod, now);
    return fault ? [{ pod, fault }] : [];
  });
  return faults.find(({ fault }) => fault.isCertain) ?? faults[0];
}

function podFault(pod: Pod, now: Date): PodFault | undefined {
  const scheduled = findCondition(pod.status?.conditions, 'PodScheduled');
  if (scheduled?.status === 'False') return unschedulable(pod, scheduled.message ?? scheduled.reason ?? '');
  if (pod.status?.phase === 'Failed' && pod.status.reason) {
    return { words: `failed: ${pod.status.message ?? pod.status.reason}`, isCertain: true };
  }
  const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const faults = containers.flatMap((container) => containerFault(container, now) ?? []);
  const fault = faults.find(({ isCertain }) => isCertain) ?? faults[0];
  if (fault || pod.status?.phase !== 'Failed') return fault;
  return { words: `failed: ${pod.status.message ?? 'for no stated reason'}`, isCertain: true };
}

/** When a pod that is silent now may have something to say; undefined where only a change of it would. */
export function nextFaultMs(pods: readonly Pod[], now: Date): number | undefined {
  const waits = pods
    .flatMap((pod) => pod.status?.containerStatuses ?? [])
    .filter(({ ready, state }) => !ready && state?.running)
    .map(({ started, state }) => graceOf(started) - runningMs(state, now))
    .filter((ms) => ms > 0);
  return waits.length > 0 ? Math.min(...waits) : undefined;
}

function unschedulable(pod: Pod, message: string): PodFault {
  const names = (pod.spec?.volumes ?? []).flatMap(
    ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [],
  );
  return {
    words: `cannot be scheduled: ${message}`,
    isCertain: true,
    ...(names.length > 0 && { question: { kind: 'claims', names } }),
  };
}

/** Waiting for these is normal. */
const STARTING = new Set(['ContainerCreating', 'PodInitializing']);
const BACK_OFF = 'CrashLoopBackOff';
const NO_IMAGE = new Set(['ImagePullBackOff', 'ErrImagePull', 'InvalidImageName', 'ErrImageNeverPull']);

function containerFault(container: ContainerStatus, now: Date): PodFault | undefined {
  const { name, image, state, lastState, ready } = container;
  const { waiting, terminated, running } = state ?? {};
  const why = waiting?.reason ?? '';
  if (NO_IMAGE.has(why)) return certain(`cannot pull image ${image}: ${pullError(waiting?.message ?? why)}`);
  if (why === BACK_OFF) return crash(container, 'keeps crashing', lastState?.terminated);
  if (why && !STARTING.has(why)) return certain(`cannot start ${name}: ${waiting?.message ?? why}`);
  if (terminated && terminated.exitCode !== 0) return crash(container, 'crashed', terminated);
  if (running && !ready) return notReady(container, now);
  return waiting && crashBefore(container);
}

function certain(words: string): PodFault {
  return { words, isCertain: true };
}

/** `Back-off pulling image "x": ErrImagePull: cause` repeats what is said already. */
function pullError(message: string): string {
  return message.replace(/^Back-off pulling image "[^"]*"(: )?/, '').replace(/^ErrImagePull: /, '') || message;
}

function notReady(container: ContainerStatus, now: Date): PodFault | undefined {
  const { state, started } = container;
  const since = state?.running?.startedAt ?? '';
  const ranFor = runningMs(state, now);
  const crashed = ranFor < CRASH_MEMORY_MS ? crashBefore(container) : undefined;
  if (crashed) return crashed;
  if (ranFor < graceOf(started)) return undefined;
  const words = started === false ? 'has not come up yet' : 'runs, but is not ready';
  return { words, isCertain: false, question: { kind: 'probe', since } };
}

/** Why a container that was started again, or is about to be, ended the last time. Its end is forgotten when the kubelet removes what is left of it. */
function crashBefore(container: ContainerStatus): PodFault | undefined {
  const last = container.lastState?.terminated;
  return container.restartCount > 0 && isOwnEnd(last) ? crash(container, 'was restarted', last) : undefined;
}

/** A container whose end nobody saw, because its node went down, did not end by itself. */
function isOwnEnd(last: Terminated | undefined): boolean {
  return last?.reason !== 'Unknown' && last?.reason !== 'ContainerStatusUnknown';
}

function crash(container: ContainerStatus, verb: string, last: Terminated | undefined): PodFault {
  const { name, state, restartCount: restarts } = container;
  const hasNext = state?.running !== undefined || (state?.waiting && state.waiting.reason !== BACK_OFF);
  const reason = last?.reason && last.reason !== 'Error' ? `${last.reason}, ` : '';
  // One phrase for all that a crash loop goes through: a status that follows each turn of it is written all the time.
  const phrase = restarts > 1 ? 'keeps crashing' : verb;
  return {
    words: `${phrase} (${name}: ${reason}exit code ${last?.exitCode ?? 'unknown'})`,
    said: last?.message ?? '',
    isCertain: true,
    question: {
      kind: 'log',
      container: name,
      previous: state?.terminated === undefined,
      instance: hasNext ? restarts - 1 : restarts,
    },
  };
}

function graceOf(started: boolean | undefined): number {
  return started === false ? STARTUP_GRACE_MS : READY_GRACE_MS;
}

function runningMs(state: ContainerStatus['state'], now: Date): number {
  const at = Date.parse(state?.running?.startedAt ?? '');
  return Number.isNaN(at) ? Infinity : now.getTime() - at;
}
