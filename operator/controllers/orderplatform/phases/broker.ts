import { loginsOf } from '../../../resources/credentials.ts';
import { brokerUsers } from '../../../resources/desired.ts';
import type { JobDefinition } from '../../../resources/job.ts';
import { brokerJob, provisionPurpose } from '../../../resources/platform-jobs.ts';
import type { StoreObjects } from '../../../resources/store.ts';
import type { Deps } from '../../deps.ts';
import { findOwned } from '../../ensure.ts';
import { holds, pending, type Fact } from '../../fact.ts';
import { connectExternal } from '../external.ts';
import { advanceRun } from '../../runs/advance.ts';
import { unfinishedRun } from '../../runs/fact.ts';
import type { Scope } from '../scope.ts';
import { reconcileStore } from './stores.ts';

/** The users that the first pod read as it started: nobody has to tell it of those. Annotation of the StatefulSet, set once. */
const STARTED_WITH_ANNOTATION = 'orderplane.dev/started-with';

/** Applies the broker. Its users come and go with the services, while it runs. */
export async function reconcileBroker(deps: Deps, scope: Scope): Promise<Fact> {
  const { desired, platform, secrets } = scope;
  if (!platform.broker) return holds('NotRequested', 'the platform has no broker');
  if (platform.broker.external) {
    const { isUp, fault } = await connectExternal(deps, scope, 'nats');
    scope.brokerIsReady = isUp;
    return fault ?? holds('Ready', 'nats answers');
  }
  // A server that starts with some of its users, or without its administrator, would have to be told of the others, or start again.
  if (!desired?.broker || !areCredentialsKnown(scope)) return pending('waits for credentials');
  const job = brokerJob(platform, brokerUsers(platform, secrets));
  const key = { namespace: platform.namespace, name: desired.broker.statefulSet.metadata.name };
  const existing = await findOwned(deps, deps.caches.statefulSets, platform, key, scope);
  const startedWith = existing ? existing.metadata.annotations?.[STARTED_WITH_ANNOTATION] : job.inputHash;
  const { isUp, fault } = await reconcileStore(deps, scope, withNote(desired.broker, startedWith));
  const users = isUp ? await reconcileUsers(deps, scope, job, startedWith) : undefined;
  if (fault) return { ...fault, reason: fault.reason.replace('Store', 'Broker') };
  return users ?? pending('waits for nats');
}

/** Whether every Secret of the broker could be read or made; those that are refused hold up their own service only. */
function areCredentialsKnown({ platform, secrets, refusedLogins }: Scope): boolean {
  const logins = loginsOf(platform).filter(({ backend }) => backend === 'nats');
  return logins.every(({ secret }) => secret in secrets || refusedLogins.has(secret));
}

function withNote(objects: StoreObjects, startedWith: string | undefined): StoreObjects {
  if (startedWith === undefined) return objects;
  const { statefulSet } = objects;
  const annotations = { ...statefulSet.metadata.annotations, [STARTED_WITH_ANNOTATION]: startedWith };
  return { ...objects, statefulSet: { ...statefulSet, metadata: { ...statefulSet.metadata, annotations } } };
}

async function reconcileUsers(
  deps: Deps,
  scope: Scope,
  job: JobDefinition,
  startedWith: string | undefined,
): Promise<Fact> {
  const { runs, signal } = scope;
  const purpose = provisionPurpose('nats');
  const isAsStarted = !runs.has(purpose) && startedWith === job.inputHash;
  const progress = await advanceRun(deps, job, runs.get(purpose), { mayStart: !isAsStarted, signal });
  if (progress.record) runs.set(purpose, progress.record);
  scope.brokerIsReady = progress.isSettled || (isAsStarted && !progress.running);
  if (!scope.brokerIsReady) return unfinishedRun(progress, 'having nats take up its users');
  return holds('Ready', 'nats answers');
}
