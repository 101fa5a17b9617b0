/** How many applies a second an API server takes of the objects that the operator makes, with nobody to wait for and nothing else to do. */
import { startControlPlane } from '@orderplane/hack/testing/control-plane.ts';
import { registerControllers } from '../operator/controllers/index.ts';
import { installDefinitions, type TestCluster } from '../operator/controllers/testing/cluster.ts';
import { platformsOf, ULTRALIGHT } from '../operator/controllers/testing/platforms.ts';
import { RELEASE_IMAGES } from '../operator/resources/release-images.ts';
import {
  createClient,
  createManager,
  Namespaces,
  silentLogger,
  type Client,
  type KubeObject,
  type Resource,
} from '../operator/runtime/index.ts';

interface Applied {
  resource: Resource;
  object: KubeObject;
}

/** As many as the operator's client has connections. */
const AT_ONCE = 16;

/** Every object that the operator makes of one platform, as it was sent. */
export async function objectsOfOnePlatform(cluster: TestCluster): Promise<Applied[]> {
  const namespace = await cluster.namespace();
  const objects = new Map<string, Applied>();
  const plain = createClient({ kubeconfig: { path: cluster.kubeconfig }, userAgent: 'bench' });
  const note = <T extends KubeObject>(resource: Resource<T>, object: T) => {
    if (resource.plural !== 'events')
      objects.set(`${resource.plural} ${object.metadata.name}`, { resource: resource as Resource, object });
  };
  const client: Client = {
    ...plain,
    apply: (resource, object, options) => (note(resource, object), plain.apply(resource, object, options)),
    create: (resource, object, options) => (note(resource, object), plain.create(resource, object, options)),
  };
  const stop = new AbortController();
  const manager = createManager({ client, log: silentLogger, namespaces: [namespace] });
  registerControllers(manager, { client, images: RELEASE_IMAGES });
  const running = manager.run(stop.signal);
  try {
    const platforms = platformsOf(cluster);
    await platforms.create(namespace, ULTRALIGHT);
    await platforms.ready(namespace);
    return [...objects.values()];
  } finally {
    stop.abort();
    await running;
    await plain.close();
  }
}

/** Applies a second, of all objects once in each of `copies` namespaces, on etcd and an API server by themselves. */
export async function applyCeiling(objects: readonly Applied[], copies: number): Promise<number> {
  const plane = await startControlPlane({ audit: true });
  const client = createClient({ kubeconfig: { path: plane.kubeconfig } });
  try {
    await installDefinitions(client);
    const namespaces = Array.from({ length: copies }, (_, index) => `copy-${index}`);
    for (const name of namespaces) await client.create(Namespaces, { metadata: { name } });
    const started = performance.now();
    await atOnce(
      namespaces.flatMap((namespace) => objects.map(({ resource, object }) => () => {
        const metadata = { ...object.metadata, namespace };
        return client.apply(resource, { ...object, metadata });
      })),
    ); // prettier-ignore
    return (copies * objects.length) / ((performance.now() - started) / 1000);
  } finally {
    await plane.stop();
    await client.close();
  }
}

async function atOnce(work: readonly (() => Promise<unknown>)[]): Promise<void> {
  const left = work.values();
  const worker = async () => {
    for (const each of left) await each();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
