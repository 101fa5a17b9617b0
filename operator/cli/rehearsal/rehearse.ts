/**
 * Lets the operator's own controllers run in a world, in turns with what the cluster would do, until nothing changes any more: what they
 * have written by then is what the operator would do.
 */
import type { OrderPlatform } from '../../api/v1alpha1/index.ts';
import { READY } from '../../api/v1alpha1/conditions.ts';
import { OrderPlatforms } from '../../api/v1alpha1/objects.ts';
import { registerControllers } from '../../controllers/index.ts';
import { PLATFORM_LABEL } from '../../resources/labels.ts';
import type { ImageCatalogue } from '../../resources/images.ts';
import type { Client } from '../../runtime/client.ts';
import { fakeClock } from '../../runtime/clock.ts';
import { findCondition } from '../../runtime/conditions.ts';
import type { ControllerOptions } from '../../runtime/controller.ts';
import { silentLogger } from '../../runtime/log.ts';
import type { InformerScope, Manager } from '../../runtime/manager.ts';
import { keyOf, type KubeObject, type ObjectKey, type Resource } from '../../runtime/resource.ts';
import { rehearsalClient } from './client.ts';
import { playCluster } from './cluster-part.ts';
import { worldInformer } from './informer.ts';
import { createWorld, type World } from './world.ts';

/** Stands for every password and key that is not there yet. */
export const GENERATED = 'generated-by-the-operator';

export interface RehearsalOptions {
  /** The cluster to begin with; without one, an empty one. */
  live?: Client | undefined;
  /** Whether that cluster can be asked about writes. */
  canDryRun?: boolean;
  /** Whether there is no cluster to ask: what only one could have is supposed to be there. */
  isOffline?: boolean;
  namespace: string;
  catalogue: ImageCatalogue;
  signal: AbortSignal;
}

export interface Rehearsal {
  readonly world: World;
  /** Runs until nothing changes any more. */
  settle(platform: ObjectKey): Promise<Outcome>;
}

export interface Outcome {
  ready: boolean;
  /** What it would wait for, where it would not become Ready. */
  message: string;
  /** What went wrong on the last visits, other than by waiting. */
  faults: string[];
}

/** After this many turns there is no end in sight. */
const MAX_TURNS = 100;
/** Where nothing happens, time is let pass this often: what failed is due for another attempt. */
const MAX_WAITS = 3;

/** Reads what there is; nothing has been tried yet. */
export async function openRehearsal({
  live,
  canDryRun = live !== undefined,
  isOffline = live === undefined,
  namespace,
  catalogue,
  signal,
}: RehearsalOptions): Promise<Rehearsal> {
  const clock = fakeClock(live ? new Date() : new Date(0));
  const world = createWorld({ live, isOffline, now: () => clock.now(), signal, images: catalogue.images });
  const client = rehearsalClient(world, canDryRun);
  const controllers: ControllerOptions<KubeObject>[] = [];
  const loading: Promise<void>[] = [];
  const loaded = <T extends KubeObject>(
    resource: Resource<T>,
    { labelSelector, fieldSelector }: InformerScope = {},
  ) => {
    loading.push(world.load(resource, { namespace, labelSelector, fieldSelector }));
    return worldInformer(world, resource, labelSelector);
  };
  const manager: Pick<Manager, 'recorder' | 'informer' | 'optionalInformer' | 'controller'> = {
    recorder: { event: () => {}, flush: () => Promise.resolve(), close: () => {} },
    informer: loaded,
    optionalInformer: (resource, definitions, scope) => ({
      ...loaded(resource, scope),
      isServed: () =>
        definitions.list().some(({ metadata }) => metadata.name === `${resource.plural}.${resource.group}`),
    }),
    controller(options) {
      controllers.push(options as unknown as ControllerOptions<KubeObject>);
      return undefined as never;
    },
  };
  registerControllers(manager as Manager, { client, ...catalogue, clock, newSecret: () => GENERATED });
  await Promise.all(loading);

  let faults: string[] = [];

  /** One visit to everything of the platform; returns when the first of them wants to be visited again. */
  async function visitAll(platform: ObjectKey): Promise<number | undefined> {
    const times: number[] = [];
    faults = [];
    for (const { for: informer, reconcile } of controllers) {
      for (const object of informer.list({ namespace: platform.namespace })) {
        if (!isOf(object, platform)) continue;
        // What a visit fails of is tried again on the next one.
        const result = await reconcile(keyOf(object), { signal, log: silentLogger }).catch((error: unknown) => {
          signal.throwIfAborted();
          faults.push(`${object.kind} ${object.metadata.name}: ${(error as Error).message}`);
          return { kind: 'done' as const };
        });
        if (result.kind === 'requeueAfter') times.push(result.ms);
      }
    }
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  return {
    world,
    async settle(platform) {
      let waits = 0;
      let waiting: { outcome: Outcome; written: number } | undefined;
      for (let turn = 0; turn < MAX_TURNS; turn++) {
        const before = world.changes;
        const againMs = await visitAll(platform);
        if (world.changes > before) continue;
        if (await playCluster(world)) {
          world.step++;
          waits = 0;
        } else {
          const outcome = outcomeOf(world, platform, faults);
          if (againMs === undefined || outcome.ready) return outcome;
          if (waiting?.written !== world.written.length) waiting = { outcome, written: world.written.length };
          // That time passes is said by the messages that follow: the first one is about what is waited for.
          if (waits++ >= MAX_WAITS) return waiting.outcome;
          clock.advance(againMs);
        }
      }
      throw new Error(
        `the plan for OrderPlatform ${platform.name} does not come to an end: this is a fault of the operator`,
      );
    },
  };
}

function isOf(object: KubeObject, { name }: ObjectKey): boolean {
  if (object.kind === OrderPlatforms.kind) return object.metadata.name === name;
  const { platformRef } = (object as { spec?: { platformRef?: { name: string } } }).spec ?? {};
  return platformRef?.name === name || object.metadata.labels?.[PLATFORM_LABEL] === name;
}

function readyOf(world: World, { namespace, name }: ObjectKey) {
  const platform = world
    .find(OrderPlatforms)
    .find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  return { platform, ready: findCondition((platform as OrderPlatform | undefined)?.status?.conditions, READY) };
}

function isReady(world: World, key: ObjectKey): boolean {
  const { platform, ready } = readyOf(world, key);
  return ready?.status === 'True' && ready.observedGeneration === platform?.metadata.generation;
}

function outcomeOf(world: World, key: ObjectKey, faults: string[]): Outcome {
  const { ready } = readyOf(world, key);
  return { ready: isReady(world, key), message: ready?.message ?? 'the operator does nothing', faults };
}
