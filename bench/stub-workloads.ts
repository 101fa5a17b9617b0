/**
 * Plays the controllers of workloads: one pod for each Deployment, StatefulSet and Job, and their word that it is ready. In place of
 * the controller manager, whose own writes would be more than the operator's, so that what is measured is the operator.
 */
import {
  createManager,
  Deployments,
  isAlreadyExists,
  isConditionTrue,
  Jobs,
  keyOf,
  PersistentVolumeClaims,
  Pods,
  silentLogger,
  StatefulSets,
  type Client,
  type Deployment,
  type Job,
  type KubeObject,
  type PersistentVolumeClaim,
  type Pod,
  type Resource,
  type StatefulSet,
} from '../operator/runtime/index.ts';

/** Resolves when it has caught up with what is there. The pods' own status is the played kubelet's. */
export async function startStubWorkloads(client: Client): Promise<{ stop(): Promise<void> }> {
  const stop = new AbortController();
  const manager = createManager({ client, log: silentLogger, name: 'stub-workloads' });
  const pods = manager.informer(Pods);
  const stubs: readonly [string, Resource<Workload>][] = [
    ['deployments', Deployments as Resource<Workload>],
    ['statefulsets', StatefulSets as Resource<Workload>],
    ['jobs', Jobs as Resource<Workload>],
  ];
  const informers = stubs.map(([name, resource]) => {
    const workloads = manager.informer(resource);
    manager.controller({
      name,
      for: workloads,
      owns: [pods],
      concurrency: 8,
      async reconcile(key) {
        const workload = workloads.get(key);
        if (!workload || workload.metadata.deletionTimestamp) return { kind: 'done' };
        const pod = pods.get({ ...key, name: `${key.name}-0` });
        if (!pod) await createPod(client, resource, workload);
        else if (resource !== Jobs && isConditionTrue(pod.status?.conditions, 'Ready')) await tellReady(client, resource, workload); // prettier-ignore
        return { kind: 'done' };
      },
    });
    return workloads;
  });
  const running = manager.run(stop.signal);
  await Promise.all(informers.map((informer) => informer.synced()));
  return {
    async stop() {
      stop.abort();
      await running;
    },
  };
}

type Workload = Deployment | StatefulSet | Job;

async function createPod(client: Client, { apiVersion, kind }: Resource, { metadata, spec }: Workload): Promise<void> {
  const { name, namespace = '', uid = '' } = metadata;
  const labels = { ...spec?.template.metadata?.labels, ...(kind === 'Job' && { 'batch.kubernetes.io/job-name': name }) };
  const owner = { apiVersion, kind, name, uid, controller: true };
  const containers = (spec?.template.spec?.containers ?? []).map(({ name, image = 'x' }) => ({ name, image }));
  const pod = {
    metadata: { name: `${name}-0`, namespace, labels, ownerReferences: [owner] },
    spec: { containers, restartPolicy: kind === 'Job' ? 'Never' : 'Always' },
  };
  const { volumeClaimTemplates = [] } = (spec ?? {}) as Partial<NonNullable<StatefulSet['spec']>>;
  for (const claim of volumeClaimTemplates) {
    const metadata = { ...claim.metadata, name: `${claim.metadata?.name}-${name}-0`, namespace };
    await createOnce(client, PersistentVolumeClaims, { metadata, spec: claim.spec } as PersistentVolumeClaim);
  }
  await createOnce(client, Pods, pod as Pod);
} // prettier-ignore

async function createOnce<T extends KubeObject>(client: Client, resource: Resource<T>, object: T): Promise<void> {
  await client.create(resource, object).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
}

async function tellReady(client: Client, resource: Resource<Workload>, workload: Workload): Promise<void> {
  const { generation = 1 } = workload.metadata;
  const { status } = workload as { status?: { observedGeneration?: number } };
  if (status?.observedGeneration === generation) return;
  const one = { replicas: 1, readyReplicas: 1, availableReplicas: 1, updatedReplicas: 1 };
  const told = { status: { observedGeneration: generation, ...one } };
  await client.mergePatch(resource, keyOf(workload), told, { subresource: 'status' });
}
