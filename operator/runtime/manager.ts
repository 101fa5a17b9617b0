import { hostname } from 'node:os';
import type { Registry } from 'prom-client';
import type { Client } from './client.ts';
import { realClock, type Clock } from './clock.ts';
import { createController, endsWithin, type Controller, type ControllerOptions } from './controller.ts';
import { createRecorder, type Recorder } from './events.ts';
import { createManagementServer } from './health.ts';
import { createInformer, type Informer } from './informer.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { KubeObject, Resource } from './resource.ts';

export interface ManagerOptions {
  client: Client;
  log: Log;
  /** Reported in events. Default `orderplane-operator`. */
  name?: string;
  /** Where metrics go; a new registry by default. */
  registry?: Registry;
  /** Where /livez, /readyz and /metrics are served; nothing is served without it. Port 0 takes any free one. */
  http?: { port: number; host?: string };
  /** Watch only these namespaces; undefined: all. */
  namespaces?: readonly string[];
  clock?: Clock;
  /** How long running reconciles may take to finish at the end. Default 30 s. */
  gracePeriodMs?: number;
}

export interface InformerScope {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/** Owns what the controllers of a process share: caches, metrics, the event recorder, the management server. */
export interface Manager {
  readonly recorder: Recorder;
  readonly registry: Registry;
  /** The cache of a resource; the same one for the same scope. Those asked for before `run` are started by it. */
  informer<T extends KubeObject>(resource: Resource<T>, scope?: InformerScope): Informer<T>;
  controller<T extends KubeObject>(options: ControllerOptions<T>): Controller;
  /** Whether all caches are synced and the controllers run. */
  isReady(): boolean;
  /** The port that /readyz and the like are served on, once listening. */
  readonly port: number | undefined;
  /**
   * Starts HTTP, then caches, then controllers; ends when the signal aborts and running reconciles are finished, those that
   * outlast the grace period aborted. Throws when the port cannot be had.
   */
  run(signal: AbortSignal): Promise<void>;
}

const GRACE_PERIOD_MS = 30_000;
/** After their signal aborted, reconciles get this long to notice. */
const ABORT_PERIOD_MS = 2_000;

export function createManager(options: ManagerOptions): Manager {
  const { client, log, name = 'orderplane-operator', clock = realClock, gracePeriodMs = GRACE_PERIOD_MS } = options;
  const metrics: Metrics = createMetrics(options.registry);
  client.observe(metrics.observeRequest);
  const recorder = createRecorder({ client, clock, log, controller: name, instance: hostname() });
  const informers = new Map<string, Informer>();
  const controllers: Controller[] = [];
  let running = false;
  let port: number | undefined;

  const server = createManagementServer({
    registry: metrics.registry,
    checks: () => [
      ...Array.from(informers, ([id, informer]) => ({ name: `cache ${id}`, ready: () => informer.hasSynced() })),
      { name: 'controllers', ready: () => running },
    ],
  });

  async function runControllers(stop: AbortSignal): Promise<void> {
    const kill = new AbortController();
    running = true;
    const work = Promise.all(controllers.map((controller) => controller.run(stop, kill.signal)));
    await aborted(stop);
    running = false;
    log.info('stopping: finishing running reconciles');
    if (await endsWithin(work, clock, gracePeriodMs)) return;
    kill.abort(new Error('the process is ending'));
    if (!(await endsWithin(work, clock, ABORT_PERIOD_MS))) log.warn('some reconciles did not end when told to');
  }

  return {
    recorder,
    registry: metrics.registry,
    isReady: () => running && [...informers.values()].every((informer) => informer.hasSynced()),
    get port() {
      return port;
    },
    informer<T extends KubeObject>(resource: Resource<T>, scope: InformerScope = {}) {
      const id = informerId(resource, scope);
      const existing = informers.get(id);
      if (existing) return existing as Informer<T>;
      const namespaces = scope.namespace === undefined ? options.namespaces : [scope.namespace];
      const informer = createInformer(resource, { ...scope, client, namespaces, clock, log });
      informers.set(id, informer as Informer);
      return informer;
    },
    controller(controllerOptions) {
      const controller = createController(controllerOptions, { clock, log, metrics });
      controllers.push(controller);
      return controller;
    },
    async run(signal) {
      if (options.http) port = await server.listen(options.http.port, options.http.host);
      const caches = new AbortController();
      const watching = Promise.all(Array.from(informers.values(), (informer) => informer.start(caches.signal)));
      try {
        const synced = Promise.all(Array.from(informers.values(), (informer) => informer.synced(signal)));
        if (
          await synced.then(
            () => true,
            () => false,
          )
        ) {
          log.info({ caches: informers.size, controllers: controllers.map((c) => c.name) }, 'caches are synced');
          await runControllers(signal);
        }
      } finally {
        caches.abort();
        await Promise.all([watching, recorder.flush()]);
        recorder.close();
        await server.close();
      }
    },
  };
}

function informerId(resource: Resource, scope: InformerScope): string {
  const filters = [scope.namespace, scope.labelSelector, scope.fieldSelector].filter((part) => part !== undefined);
  return [`${resource.plural}.${resource.group || 'core'}`, ...filters].join(' ');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A signal that aborts on SIGTERM or SIGINT; the second one ends the process at once. */
export function terminationSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1);
      controller.abort(new Error(`received ${name}`));
    });
  }
  return controller.signal;
}
