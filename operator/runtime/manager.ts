import { hostname } from 'node:os';
import type { Registry } from 'prom-client';
import type { Client } from './client.ts';
import { realClock, type Clock } from './clock.ts';
import { createController, endsWithin, type Controller, type ControllerOptions } from './controller.ts';
import { createRecorder, type Recorder } from './events.ts';
import { createManagementServer, type ReadinessCheck } from './health.ts';
import { createInformer, type Informer } from './informer.ts';
import { createLeaderElection, type LeaseTiming } from './leader.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { CustomResourceDefinition } from './known-resources.ts';
import { createOptionalInformer, type OptionalInformer } from './optional-informer.ts';
import type { KubeObject, ObjectKey, Resource } from './resource.ts';

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
  /**
   * Controllers run only while this process holds the lease, and `client` is fenced: from `run` on it changes nothing unless
   * the lease is held. Without it there is no election.
   */
  leaderElection?: { lease: ObjectKey; identity?: string | undefined; timing?: Partial<LeaseTiming> };
  clock?: Clock;
  /** How long running reconciles may take to finish at the end. Default 30 s. */
  gracePeriodMs?: number;
}

export interface InformerScope {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Dotted paths of fields whose managers are kept, for `managersOf`. */
  managersOf?: readonly string[];
  /** Nobody is to wait for it where the user has no right to list it. */
  mayBeRefused?: boolean;
}

/** Owns what the controllers of a process share: caches, metrics, the event recorder, the management server. */
export interface Manager {
  readonly recorder: Recorder;
  readonly registry: Registry;
  /** The cache of a resource; the same one for the same scope. To be asked for before `run`, which starts it. */
  informer<T extends KubeObject>(resource: Resource<T>, scope?: InformerScope): Informer<T>;
  /** The cache of a resource that the API server may not have: it works while the cache of definitions has its definition. */
  optionalInformer<T extends KubeObject>(
    resource: Resource<T>,
    definitions: Informer<CustomResourceDefinition>,
    scope?: InformerScope,
  ): OptionalInformer<T>;
  controller<T extends KubeObject>(options: ControllerOptions<T>): Controller;
  /** Whether all caches are synced, and it is not stopping. A process that stands by for the lease is ready too. */
  isReady(): boolean;
  /** The port that /readyz and the like are served on, once listening. */
  readonly port: number | undefined;
  /**
   * Starts HTTP, then caches, then the election, then controllers. Ends when the signal aborts and running reconciles are
   * finished, those that outlast the grace period aborted, and the lease is given back. Throws when the port cannot be had,
   * and FencedError when the lease is lost: the process is to end, for only a new one can lead again.
   */
  run(signal: AbortSignal): Promise<void>;
}

const GRACE_PERIOD_MS = 30_000;
/** After their signal aborted, reconciles get this long to notice. */
const ABORT_PERIOD_MS = 2_000;
/** What is left of events at the end is worth no more. */
const FLUSH_PERIOD_MS = 2_000;

export function createManager(options: ManagerOptions): Manager {
  const { client, log, name = 'orderplane-operator', clock = realClock, gracePeriodMs = GRACE_PERIOD_MS } = options;
  const metrics: Metrics = createMetrics(options.registry);
  client.observe(metrics.observeRequest);
  const recorder = createRecorder({ client, clock, log, controller: name, instance: hostname() });
  const informers = new Map<string, Informer>();
  const controllers: Controller[] = [];
  const stopping = new AbortController();
  const reportLead = options.leaderElection && metrics.leader(options.leaderElection.lease.name);
  let started = false;
  let port: number | undefined;

  const checks = (): ReadinessCheck[] => [
    ...Array.from(informers, ([id, informer]) => ({ name: `cache ${id}`, ready: () => informer.hasSynced() })),
    { name: 'stopping', ready: () => !stopping.signal.aborted },
  ];
  const server = createManagementServer({ registry: metrics.registry, checks });

  /** Until `stop` aborts: then what runs may finish; or until `cut` does: then it is told to end at once. */
  async function runControllers(stop: AbortSignal, cut?: AbortSignal): Promise<void> {
    const kill = new AbortController();
    const end = cut ? AbortSignal.any([stop, cut]) : stop;
    const work = Promise.all(controllers.map((controller) => controller.run(end, kill.signal)));
    await aborted(end);
    stopping.abort();
    log.info('stopping: finishing running reconciles');
    if (await endsWithin(work, clock, cut?.aborted ? 0 : gracePeriodMs, cut)) return;
    kill.abort(cut?.aborted ? cut.reason : new Error('the process is ending'));
    if (!(await endsWithin(work, clock, ABORT_PERIOD_MS))) log.warn('some reconciles did not end when told to');
  }

  /** Runs the controllers while this process holds the lease. */
  async function lead(
    stop: AbortSignal,
    { lease, ...rest }: NonNullable<ManagerOptions['leaderElection']>,
  ): Promise<void> {
    const leaseClient = client.sibling();
    leaseClient.observe(metrics.observeRequest);
    const election = createLeaderElection({ client: leaseClient, lease, ...rest, clock, log });
    client.fence(election.fence);
    try {
      if (!(await election.acquire(stop))) return;
      reportLead?.(true);
      election.fence.signal.addEventListener('abort', () => reportLead?.(false));
      const done = new AbortController();
      const renewal = election.renew(done.signal);
      renewal.catch(() => {}); // taken below
      await runControllers(stop, election.fence.signal);
      await endsWithin(recorder.flush(), clock, FLUSH_PERIOD_MS, election.fence.signal);
      done.abort();
      await renewal;
      await election.release();
    } finally {
      await leaseClient.close();
    }
  }

  return {
    recorder,
    registry: metrics.registry,
    isReady: () => started && checks().every((check) => check.ready()),
    get port() {
      return port;
    },
    informer<T extends KubeObject>(resource: Resource<T>, scope: InformerScope = {}) {
      const id = informerId(resource, scope);
      const existing = informers.get(id);
      if (existing) return existing as Informer<T>;
      if (started) throw new Error(`ask for the cache ${id} before the manager runs`);
      const namespaces = scope.namespace === undefined ? options.namespaces : [scope.namespace];
      const informer = createInformer(resource, { ...scope, client, namespaces, clock, log });
      informers.set(id, informer as Informer);
      return informer;
    },
    optionalInformer(resource, definitions, scope = {}) {
      const { namespaces } = options;
      const informer = createOptionalInformer(resource, definitions, { ...scope, client, namespaces, clock, log });
      informers.set(informerId(resource, scope), informer as Informer);
      return informer;
    },
    controller(controllerOptions) {
      const controller = createController(controllerOptions, { clock, log, metrics });
      controllers.push(controller);
      return controller;
    },
    async run(signal) {
      started = true;
      if (options.http) port = await server.listen(options.http.port, options.http.host);
      const caches = new AbortController();
      const all = [...informers.values()];
      const watching = Promise.all(all.map((informer) => informer.start(caches.signal)));
      try {
        const synced = Promise.all(all.map((informer) => informer.synced(signal)));
        const stopped = await synced.then(
          () => false,
          () => true,
        );
        if (stopped) return;
        log.info({ caches: informers.size, controllers: controllers.map((c) => c.name) }, 'caches are synced');
        await (options.leaderElection ? lead(signal, options.leaderElection) : runControllers(signal));
      } finally {
        stopping.abort();
        caches.abort();
        await Promise.all([watching, endsWithin(recorder.flush(), clock, FLUSH_PERIOD_MS)]);
        recorder.close();
        await server.close();
      }
    },
  };
}

function informerId(resource: Resource, scope: InformerScope): string {
  const filters = [scope.namespace, scope.labelSelector, scope.fieldSelector, scope.managersOf?.join()].filter(
    (part) => part !== undefined,
  );
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
