/** A platform under test: the ultralight example under another name, and ways to look at it. */
import { randomBytes } from 'node:crypto';
import { OrderPlatforms } from '@orderplane/operator/api/v1alpha1/index.ts';
import {
  Namespaces,
  Pods,
  Secrets,
  Services,
  type KubeObject,
  type Pod,
  type Resource,
} from '@orderplane/operator/runtime/index.ts';
import { figure, type TestCluster } from './cluster.ts';
import { conditionOf, holds } from './conditions.ts';
import { exampleManifests, type PlatformName } from './manifests.ts';
import { waitForObject } from './watching.ts';

/** Generous: a test asserts that a platform comes up, the benchmark measures how fast. */
const READY_TIMEOUT_MS = 180_000;
/** Selects the pods of services. */
export const SERVICES = 'app.kubernetes.io/component=service';

export interface PlatformHandle extends PlatformName {
  readonly cluster: TestCluster;
  /** The value of a key of a Secret in the platform's namespace. */
  secret(name: string, key: string): Promise<string>;
  /** The ClusterIP of a Service in the platform's namespace: this machine has a route to it. */
  serviceAddress(name: string): Promise<string>;
  gatewayUrl(): Promise<string>;
  storefrontUrl(): Promise<string>;
  pods(labelSelector?: string): Promise<Pod[]>;
  /** How the pods of services are, and what they logged last. */
  lastWords(): Promise<string>;
  waitReady(timeoutMs?: number): Promise<void>;
}

export function platformHandle(cluster: TestCluster, { namespace, name }: PlatformName): PlatformHandle {
  async function present<T extends KubeObject>(resource: Resource<T>, object: string): Promise<T> {
    const found = await cluster.client.get(resource, { namespace, name: object });
    if (!found) throw new Error(`${resource.kind} ${namespace}/${object} is not there`);
    return found;
  }
  async function serviceAddress(service: string): Promise<string> {
    const { spec } = await present(Services, service);
    if (!spec?.clusterIP || spec.clusterIP === 'None')
      throw new Error(`Service ${namespace}/${service} has no address of its own`);
    return spec.clusterIP;
  }
  const url = async (component: string, port: number) =>
    `http://${await serviceAddress(`${name}-${component}`)}:${port}`;
  return {
    cluster,
    namespace,
    name,
    async secret(secret, key) {
      const value = (await present(Secrets, secret)).data?.[key];
      if (value === undefined) throw new Error(`Secret ${namespace}/${secret} has no key ${key}`);
      return Buffer.from(value, 'base64').toString();
    },
    serviceAddress,
    gatewayUrl: () => url('gateway', 8080),
    storefrontUrl: () => url('storefront', 3000),
    async pods(labelSelector = '') {
      const selector = [`orderplane.dev/platform=${name}`, labelSelector].filter(Boolean).join(',');
      return (await cluster.client.list(Pods, { namespace, labelSelector: selector })).items;
    },
    async lastWords() {
      return lastWords(cluster, namespace, await this.pods(SERVICES));
    },
    async waitReady(timeoutMs = READY_TIMEOUT_MS) {
      const options = {
        timeoutMs,
        what: `readiness of platform ${namespace}/${name}`,
      };
      try {
        await waitForObject(
          cluster.client,
          OrderPlatforms,
          { namespace, name },
          (found) => holds(found, 'Ready'),
          options,
        );
      } catch (error) {
        const words = await lastWordsOfUnready(cluster, namespace, await this.pods());
        throw new Error(`${(error as Error).message}\n${words}`);
      }
    },
  };
}

async function lastWordsOfUnready(cluster: TestCluster, namespace: string, pods: readonly Pod[]): Promise<string> {
  const unready = pods.filter(
    (pod) => pod.status?.phase !== 'Succeeded' && conditionOf(pod, 'Ready')?.status !== 'True',
  );
  return unready.length > 0 ? lastWords(cluster, namespace, unready) : 'By the API server, all pods are ready.';
}

/** How pods are, and what they logged last: for who looks for the cause of a test's failure. */
async function lastWords({ client }: TestCluster, namespace: string, pods: readonly Pod[]): Promise<string> {
  const words = pods.map(async (pod) => {
    const { name, deletionTimestamp } = pod.metadata;
    const ready = conditionOf(pod, 'Ready');
    const leaving = deletionTimestamp ? `, told to end by ${deletionTimestamp}` : '';
    const log = await client.podLogs({ namespace, name }, { tailLines: 30 }).catch(String);
    return `Pod ${name}, Ready=${ready?.status} since ${ready?.lastTransitionTime}${leaving}, logged:\n${log}`;
  });
  return (await Promise.all(words)).join('\n');
}

type Edit = (objects: KubeObject[]) => KubeObject[];

/** Applies an example, as `kubectl apply -f examples/<name>` does, and returns without waiting. */
export async function applyExample(
  cluster: TestCluster,
  example: string,
  to: PlatformName,
  edit: Edit = (objects) => objects,
): Promise<PlatformHandle> {
  await cluster.apply(edit(await exampleManifests(`examples/${example}`, to)));
  return platformHandle(cluster, to);
}

export const applyUltralight = (cluster: TestCluster, to: PlatformName, edit?: Edit): Promise<PlatformHandle> =>
  applyExample(cluster, 'ultralight', to, edit);

/** A namespace that goes with everything in it when the test is over; its pods run under Pod Security "restricted". */
export async function testNamespace(cluster: TestCluster, prefix: string): Promise<string> {
  const name = `${prefix}-${randomBytes(3).toString('hex')}`;
  await ensureNamespace(cluster, name);
  return name;
}

async function ensureNamespace(cluster: TestCluster, name: string): Promise<void> {
  const isNotBeingDeleted = (found: KubeObject | undefined) => !found?.metadata.deletionTimestamp;
  await waitForObject(cluster.client, Namespaces, { namespace: '', name }, isNotBeingDeleted, {
    timeoutMs: 120_000,
    what: `the end of the former namespace ${name}`,
  });
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted', 'orderplane.dev/e2e': 'true' };
  await cluster.client.apply(Namespaces, { metadata: { name, labels } });
}

const SHARED_NAMESPACE = 'e2e';

/**
 * A platform that the tests share: `calm` is only looked at and ordered from, `rough` gets what it has to survive. Comes up with the
 * first test that asks for it, and is there for the others, in this run and in the developer's next one.
 */
export async function sharedPlatform(cluster: TestCluster, name: 'calm' | 'rough'): Promise<PlatformHandle> {
  await ensureNamespace(cluster, SHARED_NAMESPACE);
  const started = performance.now();
  const platform = await applyUltralight(cluster, { namespace: SHARED_NAMESPACE, name });
  await platform.waitReady();
  const seconds = (performance.now() - started) / 1000;
  if (seconds > 5) figure(`platform ${name}, kubectl apply → Ready`, `${seconds.toFixed(1)} s`);
  return platform;
}
