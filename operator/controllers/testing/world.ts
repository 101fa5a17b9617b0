/** All that is in a cluster, kept current by watches: what tests wait on and compare, without asking the API server again and again. */
import {
  createManager,
  defineResource,
  silentLogger,
  type Client,
  type Informer,
  type KubeObject,
  type Resource,
} from '../../runtime/index.ts';

export interface World {
  /** Every kind of object that a namespace can have. */
  readonly resources: readonly Resource[];
  /** Every object of a namespace, also those of kinds that nobody thought of. */
  objects(namespace: string): KubeObject[];
  /** One object; undefined when it is not there. */
  get<T extends KubeObject>(kind: string, namespace: string, name: string): T | undefined;
  /**
   * Resolves with the first answer that is neither undefined nor false; asked again whenever something in the namespace changes.
   * Rejects with `what`, and with what was last seen, when that takes longer than the limit.
   */
  until<T>(
    namespace: string,
    what: string,
    ask: () => T | undefined | false,
    lastSeen?: () => unknown,
    limitMs?: number,
  ): Promise<T>;
  stop(): Promise<void>;
}

/** Kinds that the control plane keeps for itself, about other objects. */
const SHADOWS = new Set(['Event', 'Lease', 'Endpoints', 'EndpointSlice']);
const LIMIT_MS = 90_000;

/** @param usualLimitMs how long anything may take that is waited for */
export async function startWorld(client: Client, usualLimitMs = LIMIT_MS): Promise<World> {
  const stop = new AbortController();
  const manager = createManager({ client, log: silentLogger, name: 'world' });
  const informers = new Map<string, Informer>();
  const waiting = new Map<string, Set<() => void>>();
  const resources = await namespacedResources(client);
  for (const resource of resources) {
    const informer = manager.informer(resource);
    informer.addHandler(({ object }) => waiting.get(object.metadata.namespace ?? '')?.forEach((look) => look()));
    informers.set(resource.kind, informer);
  }
  const running = manager.run(stop.signal);
  await Promise.all(Array.from(informers.values(), (informer) => informer.synced()));

  return {
    resources,
    objects: (namespace) => [...informers.values()].flatMap((informer) => informer.list({ namespace })),
    get<T extends KubeObject>(kind: string, namespace: string, name: string) {
      const informer = informers.get(kind);
      if (!informer) throw new Error(`the API server has no namespaced kind ${kind}`);
      return informer.get({ namespace, name }) as T | undefined;
    },
    until<T>(
      namespace: string,
      what: string,
      ask: () => T | undefined | false,
      lastSeen: () => unknown = () => '',
      limitMs = usualLimitMs,
    ) {
      const looks = waiting.get(namespace) ?? new Set();
      waiting.set(namespace, looks);
      return new Promise<T>((resolve, reject) => {
        const end = (settle: () => void) => {
          clearTimeout(timer);
          looks.delete(look);
          settle();
        };
        const timer = setTimeout(
          () => end(() => reject(new Error(`never came true: ${what}\n${describe(lastSeen())}`))),
          limitMs,
        );
        const look = () => {
          try {
            const answer = ask();
            if (answer !== undefined && answer !== false) end(() => resolve(answer));
          } catch (error) {
            end(() => reject(error as Error));
          }
        };
        looks.add(look);
        look();
      });
    },
    async stop() {
      stop.abort();
      await running;
    },
  };
}

const describe = (seen: unknown) => (typeof seen === 'string' ? seen : JSON.stringify(seen, null, 2));

interface Discovered {
  resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
}

async function namespacedResources(client: Client): Promise<Resource[]> {
  const discover = async (path: string) => JSON.parse(await client.raw(path));
  const { groups } = (await discover('/apis')) as { groups: { preferredVersion: { groupVersion: string } }[] };
  const versions = ['v1', ...groups.map(({ preferredVersion }) => preferredVersion.groupVersion)];
  const found = await Promise.all(
    versions.map(async (version) => {
      const { resources }: Discovered = await discover(version === 'v1' ? '/api/v1' : `/apis/${version}`);
      return resources
        .filter(({ namespaced, verbs, name }) => namespaced && verbs.includes('watch') && !name.includes('/'))
        .filter(({ kind }) => !SHADOWS.has(kind))
        .map(({ name, kind }) => defineResource(version, kind, name));
    }),
  );
  return found.flat();
}
