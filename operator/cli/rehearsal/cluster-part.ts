/** What the cluster would do meanwhile, all going well: volumes are bound, pods become ready, Jobs succeed. */
import type { Migration } from '../../api/v1alpha1/index.ts';
import { Migrations } from '../../api/v1alpha1/objects.ts';
import { isConditionTrue } from '../../runtime/conditions.ts';
import { controllerReference } from '../../runtime/owner.ts';
import { keyOf, type Resource } from '../../runtime/resource.ts';
import {
  Deployments,
  Jobs,
  PersistentVolumeClaims,
  Pods,
  StatefulSets,
  type Deployment,
  type Job,
  type PersistentVolumeClaim,
  type Pod,
  type StatefulSet,
} from '../../runtime/known-resources.ts';
import { migrationFilesOf } from './migration-files.ts';
import { matchesLabels } from './selector.ts';
import type { World } from './world.ts';

/** Lets the cluster catch up with what has been written; returns whether there was anything to do. */
export async function playCluster(world: World): Promise<boolean> {
  const before = world.changes;
  for (const pod of world.find(Pods).filter((each) => isLeftOver(world, each))) world.remove(Pods, keyOf(pod));
  for (const deployment of world.find(Deployments)) {
    startPods(world, Deployments, deployment);
    becomeAvailable(world, deployment);
  }
  for (const set of world.find(StatefulSets)) {
    startPods(world, StatefulSets, set);
    await becomeReady(world, set);
  }
  for (const claim of world.find(PersistentVolumeClaims)) grow(world, claim);
  for (const job of world.find(Jobs)) await succeed(world, job);
  return world.changes > before;
}

/** Whether it is of a Deployment that is gone, by way of a ReplicaSet that is not looked into. */
function isLeftOver(world: World, { metadata }: Pod): boolean {
  if (!metadata.ownerReferences?.some(({ kind }) => kind === 'ReplicaSet')) return false;
  const isIts = (deployment: Deployment) =>
    deployment.metadata.namespace === metadata.namespace && matchesLabels({ metadata }, selectorOf(deployment));
  return !world.find(Deployments).some(isIts);
}

function selectorOf({ spec }: Deployment | StatefulSet): string {
  const labels = Object.entries(spec?.selector.matchLabels ?? {});
  return labels.map(([key, value]) => `${key}=${value}`).join(',');
}

/** As many pods as are wanted are ready; those that are there already are not looked into. */
function startPods(world: World, resource: Resource, workload: Deployment | StatefulSet): void {
  const { metadata, spec } = workload;
  const { namespace = '', name } = metadata;
  const ready = world
    .find(Pods, selectorOf(workload))
    .filter((pod) => pod.metadata.namespace === namespace && isConditionTrue(pod.status?.conditions, 'Ready'));
  for (let i = ready.length; i < (spec?.replicas ?? 1); i++) {
    world.put(Pods, {
      metadata: {
        namespace,
        name: `${name}-rehearsed-${world.changes}`,
        labels: spec?.template.metadata?.labels,
        ownerReferences: [controllerReference(resource, workload)],
      },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    });
  }
}

function becomeAvailable(world: World, deployment: Deployment): void {
  const { metadata, spec, status } = deployment;
  const replicas = spec?.replicas ?? 1;
  const isSo = status?.observedGeneration === metadata.generation && status?.availableReplicas === replicas && status?.updatedReplicas === replicas && !status?.unavailableReplicas; // prettier-ignore
  if (isSo) return;
  const counts = { replicas, readyReplicas: replicas, updatedReplicas: replicas, availableReplicas: replicas };
  world.put(Deployments, { ...deployment, status: { observedGeneration: metadata.generation, ...counts } });
}

async function becomeReady(world: World, set: StatefulSet): Promise<void> {
  const { metadata, spec, status } = set;
  const replicas = spec?.replicas ?? 1;
  for (const template of spec?.volumeClaimTemplates ?? []) {
    for (let i = 0; i < replicas; i++) {
      const name = `${template.metadata?.name}-${metadata.name}-${i}`;
      const key = { namespace: metadata.namespace ?? '', name };
      if (await world.read(PersistentVolumeClaims, key)) continue;
      const labels = { ...template.metadata?.labels, ...spec?.selector.matchLabels };
      world.put(PersistentVolumeClaims, {
        metadata: { ...key, labels, annotations: template.metadata?.annotations },
        // As a cluster with a default class would have it.
        spec: { storageClassName: 'default', ...template.spec },
        status: { phase: 'Bound', capacity: template.spec?.resources?.requests },
      });
    }
  }
  if (status?.observedGeneration === metadata.generation && status?.readyReplicas === replicas && status?.updatedReplicas === replicas) return; // prettier-ignore
  const counts = { replicas, readyReplicas: replicas, updatedReplicas: replicas, availableReplicas: replicas, currentReplicas: replicas }; // prettier-ignore
  world.put(StatefulSets, { ...set, status: { observedGeneration: metadata.generation, ...counts } });
}

/** A bound volume comes to the size that its claim asks for. */
function grow(world: World, claim: PersistentVolumeClaim): void {
  const asked = claim.spec?.resources?.requests?.storage;
  if (!asked || claim.status?.phase !== 'Bound' || claim.status.capacity?.storage === asked) return;
  world.put(PersistentVolumeClaims, {
    ...claim,
    status: { ...claim.status, capacity: { ...claim.status.capacity, storage: asked } },
  });
}

/** The answer of a Job is in its pod. */
async function succeed(world: World, job: Job): Promise<void> {
  const { name, namespace = '', uid = '' } = job.metadata;
  const key = { namespace, name: `${name}-rehearsed` };
  const pods = world.find(Pods).filter((pod) => pod.metadata.ownerReferences?.some((owner) => owner.uid === uid));
  if (pods.some((pod) => pod.status?.containerStatuses?.some(({ state }) => state?.terminated))) return;
  const { template } = job.spec ?? {};
  const result = { ok: true, ...(await resultOf(world, job)) };
  const finishedAt = job.metadata.creationTimestamp ?? '';
  const containers = template?.spec?.containers ?? [];
  const pod: Pod = {
    metadata: { ...key, labels: template?.metadata?.labels, ownerReferences: [controllerReference(Jobs, job)] },
    status: {
      phase: 'Succeeded',
      containerStatuses: containers.map((container) => ({
        name: container.name,
        image: container.image ?? '',
        imageID: '',
        ready: false,
        restartCount: 0,
        state: { terminated: { exitCode: 0, message: JSON.stringify(result), startedAt: finishedAt, finishedAt } },
      })),
    },
  };
  world.put(Pods, pod);
}

/** Files in an image of somebody else's cannot be seen from here: their newest version is taken to be enough for whoever requires one. */
const NEWEST_OF_IMAGE = '999999999999999999';

async function resultOf(world: World, job: Job): Promise<object> {
  const command = job.metadata.labels?.['app.kubernetes.io/name'];
  if (command === 'seed') return { datasets: [] };
  if (command !== 'migrate') return {};
  const migration = migrationOf(world, job);
  const files = (migration && (await migrationFilesOf(world, job, migration))) ?? [];
  if (migration?.spec.mode === 'Plan') {
    const { currentVersion = '' } = migration.status ?? {};
    const pending = files.filter(({ version }) => BigInt(version) > BigInt(currentVersion)).map(({ file }) => file);
    const plan = { hash: '', direction: 'Up', pending, findings: [] };
    return {
      currentVersion,
      applied: [],
      appliedByThisRun: 0,
      pending,
      isAhead: false,
      ...(pending.length > 0 && { plan }),
    };
  }
  const currentVersion = files.at(-1)?.version ?? NEWEST_OF_IMAGE;
  return { currentVersion, applied: [], pending: [], appliedByThisRun: files.length, isAhead: false };
}

/** The Migration that a Job is run for. */
export function migrationOf(world: World, job: Job): Migration | undefined {
  const owner = job.metadata.ownerReferences?.find(({ kind }) => kind === 'Migration');
  return owner && world.find(Migrations).find(({ metadata }) => metadata.uid === owner.uid);
}
