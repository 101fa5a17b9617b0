import { REQUESTED_AT } from '../../../resources/labels.ts';
import { areSwitching } from '../../../resources/login-state.ts';
import { requiredBackends, type Service } from '../../../resources/platform.ts';
import {
  referencesOf,
  referredValue,
  secretsOf,
  type Reference,
  type ReferencedData,
} from '../../../resources/environment.ts';
import type { PodTemplate } from '../../../resources/pod.ts';
import { appliedTemplate, withTemplate, type ServiceObjects } from '../../../resources/service.ts';
import { parseRevision } from '../../../resources/template-revision.ts';
import { hashOf, isDeleting, type Deployment } from '../../../runtime/index.ts';
import { podsOfComponent } from '../../caches.ts';
import { findCause } from '../../cause.ts';
import type { Deps } from '../../deps.ts';
import { all, ensure, findOwned } from '../../ensure.ts';
import { blockingFact, gettingOn, holds, pending, stalled, waiting, type Fact } from '../../fact.ts';
import { returnedFrom, revisionsOf } from '../pinning/pin.ts';
import { giveUpRollout, noteAvailable, recordTemplate, rolloutOf } from '../pinning/record.ts';
import { wasOverdue } from '../progress.ts';
import { withLiveReplicas } from '../replicas.ts';
import { servingGap } from '../../serving.ts';
import { migrationFault, someRunGetsOn, unmetRequirement } from '../requirements.ts';
import type { Scope } from '../scope.ts';
import { isAvailable } from './available.ts';
import { reconcileCronJob } from './cron-jobs.ts';
import { gateTemplate } from './template-gate.ts';
import { reconcileVolume } from './volumes.ts';

/** Applies the services, each as soon as what it needs itself is there. */
export async function reconcileServices(deps: Deps, scope: Scope): Promise<Fact> {
  const { desired, available } = scope;
  if (!desired) return pending('waits for credentials');
  const work: (() => Promise<Fact | undefined>)[] = [
    ...desired.volumes.map((claim) => () => reconcileVolume(deps, scope, claim)),
    ...desired.services.map((objects) => () => reconcileService(deps, scope, objects)),
  ];
  const facts = (await all(work, (each) => each())).filter((fact) => fact !== undefined);
  const blocking = blockingFact(facts);
  const summary = `${available.size} of ${desired.services.length} services are available`;
  if (!blocking) return holds('Available', summary);
  // A service that does not get on by itself has its deadline, whatever others wait for.
  const getsOn = facts.every((fact) => fact.state === 'holds' || fact.getsOn);
  return { ...gettingOn(blocking, getsOn), message: `${summary}: ${blocking.message}` };
}

async function reconcileService(deps: Deps, scope: Scope, objects: ServiceObjects): Promise<Fact> {
  const { caches } = deps;
  const { platform } = scope;
  const { service, serviceAccount, kubeService, deployment, cronJob, autoscaler, disruptionBudget } = objects;
  await ensure(deps, caches.serviceAccounts, platform, serviceAccount, scope);
  if (kubeService) await ensure(deps, caches.services, platform, kubeService, scope);
  if (disruptionBudget) await ensure(deps, caches.disruptionBudgets, platform, disruptionBudget, scope);
  const unmetNeeds = () => unmetNeed(deps, scope, service);
  if (cronJob) return reconcileCronJob(deps, scope, service, cronJob, unmetNeeds);
  if (!deployment) throw new TypeError(`service ${service.name} has no workload`);
  const fact = await reconcileDeployment(deps, scope, service, deployment, unmetNeeds);
  // Not before there is something to scale.
  if (autoscaler && scope.deployments.has(service.name))
    await ensure(deps, caches.autoscalers, platform, autoscaler, scope);
  return fact;
}

async function reconcileDeployment(
  deps: Deps,
  scope: Scope,
  service: Service,
  deployment: Deployment,
  unmetNeeds: () => string | undefined,
): Promise<Fact> {
  const { caches } = deps;
  const { platform } = scope;
  const key = { namespace: platform.namespace, name: deployment.metadata.name };
  const last = lastTemplate(deps, scope, service.name);
  // What was never applied need not be looked for at every visit while it waits.
  const live = last && (await findOwned(deps, caches.deployments, platform, key, scope));
  const applied = live ? appliedTemplate(live) : last;
  const { template, unmet } = gateTemplate(deployment.spec?.template, applied, unmetNeeds);
  const waitingWith = (words: string) =>
    gettingOn(waiting('WaitingForRequirement', words), someRunGetsOn(deps, platform));
  if (!template) return waitingWith(`${service.name} waits: ${unmet}`);
  await recordTemplate(deps, scope, service.name, template);
  const replicated = withLiveReplicas(withTemplate(deployment, template), live, service.autoscaling);
  const stored = await ensure(deps, caches.deployments, platform, replicated, scope);
  scope.deployments.set(service.name, stored);
  if (unmet) return waitingWith(`${service.name} keeps its old pods: ${unmet}`);
  const failure = returnedFrom(scope, service.name);
  const pods = podsOfComponent(caches, platform, service.name);
  const replicas = stored.spec?.replicas ?? 1;
  const enough = service.autoscaling?.minReplicas;
  // A cache that lags behind our own write still has the Deployment as it was.
  const isApplied = hashOf(appliedTemplate(stored)) === hashOf(template);
  const gap =
    isApplied && isAvailable(stored, enough)
      ? await servingGap(deps, pods, Math.min(enough ?? replicas, replicas), scope)
      : {};
  if (!gap) {
    scope.available.add(service.name);
    if (failure !== undefined) return rolloutFailed(scope, service.name, failure);
    await noteAvailable(deps, scope, service.name);
    return holds('Available', `${service.name} is available`);
  }
  const living = pods.filter((pod) => !isDeleting(pod));
  const { words: trouble, lookAgainMs } = gap.words ? gap : await findCause(deps, stored, living, scope);
  if (trouble) scope.troubles.set(service.name, trouble);
  // The Deployment controller takes a rollout for finished that began while the old pods were coming back.
  const isLate =
    rolloutOf(stored) === 'ProgressDeadlineExceeded' || wasOverdue('ServicesAvailable', scope, deps.clock.now());
  if (failure === undefined && isLate) {
    const why = trouble ?? `its pods were not ready within ${platform.progressDeadlineSeconds} s`;
    await giveUpRollout(deps, scope, service.name, why);
  }
  return waiting(
    trouble ? 'PodFailing' : 'RollingOut',
    `${service.name} is not available: ${trouble ?? 'its pods are starting'}`,
    lookAgainMs,
  );
}

/** The service runs, but not as its spec says. */
function rolloutFailed({ troubles }: Scope, service: string, failure: string): Fact {
  const message = `${service} was returned to its previous version, because the new one did not become ready: ${failure}`;
  troubles.set(service, message);
  return stalled('RolloutFailed', `${message}. Change the spec, or the annotation ${REQUESTED_AT}, to try again`);
}

/** What a Deployment that somebody deleted had: its template is recorded before it is ever applied. */
function lastTemplate(deps: Deps, scope: Scope, component: string): PodTemplate | undefined {
  const [newest] = revisionsOf(deps, scope, component);
  return newest && parseRevision(newest).template;
}

/** What keeps new pods of a service from starting, in words. */
function unmetNeed(deps: Deps, scope: Scope, service: Service): string | undefined {
  const { platform, secrets, referenced, logins, provisioned, brokerIsReady } = scope;
  if (areSwitching(secretsOf(platform, service).flatMap((name) => logins.get(name) ?? [])))
    return 'its logins are changing over';
  const needed = requiredBackends(service);
  const missing = secretsOf(platform, service, needed).find((name) => !(name in secrets));
  if (missing) return `Secret ${missing} does not exist yet`;
  for (const backend of needed) {
    if (backend === 'nats' && !brokerIsReady) return 'nats is not ready';
    if (backend !== 'nats' && !provisioned.has(backend)) return `its role in ${backend} is not ready`;
  }
  const absent = referencesOf(service).find((each) => !each.optional && referredValue(referenced, each) === undefined);
  if (absent) return missingReference(referenced, absent);
  for (const requirement of service.requires) {
    const unmet = unmetRequirement(deps, platform, requirement);
    if (unmet) return unmet;
  }
  return unmetByRelease(deps, scope, service);
}

/** A release replaces another as a whole: were a migration to fail, its services would run among those of the old one. */
function unmetByRelease(deps: Deps, scope: Scope, { name, isOurImage }: Service): string | undefined {
  const [newest] = revisionsOf(deps, scope, name);
  if (!isOurImage || !newest || parseRevision(newest).release === scope.platform.version) return undefined;
  const faults = (scope.desired?.migrations ?? []).map((each) =>
    migrationFault(deps, scope.platform, each.metadata.name),
  );
  return faults.find((fault) => fault !== undefined)?.message;
}

function missingReference(referenced: ReferencedData, { kind, name, key }: Reference): string {
  const isThere = `${kind}/${name}` in referenced;
  return isThere
    ? `${kind} ${name}, which its env refers to, has no key ${key}`
    : `${kind} ${name}, which its env refers to, does not exist: create it, with the key ${key}`;
}
