import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { QueueObserver, WorkQueue } from './queue.ts';
import type { RequestObserver } from './transport.ts';

const RECONCILE_RESULTS = ['success', 'error', 'requeue_after', 'requeue'] as const;
export type ReconcileResult = (typeof RECONCILE_RESULTS)[number];

/** Told of the runs of one controller. */
export interface ReconcileObserver {
  started(): void;
  finished(result: ReconcileResult, seconds: number, terminal: boolean): void;
}

/** The metrics of a manager, under the names that controller-runtime and client-go gave them. */
export interface Metrics {
  registry: Registry;
  observeRequest: RequestObserver;
  controller(name: string, concurrency: number): ReconcileObserver;
  /** The gauge of a lease; 0 until told otherwise. */
  leader(name: string): (leads: boolean) => void;
  queue(name: string): { observer: QueueObserver; attach(queue: WorkQueue, nowMs: () => number): void };
}

const RECONCILE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const QUEUE_BUCKETS = [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600];

/** Registers everything on `registry`, the process's own (CPU, memory, event loop lag) included. */
export function createMetrics(registry: Registry = new Registry()): Metrics {
  const registers = [registry];
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by status code, method and host.',
    labelNames: ['code', 'method', 'host'],
    registers,
  });
  const leads = new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process leads: 1, or stands by: 0.',
    labelNames: ['name'],
    registers,
  });
  const observeReconcile = reconcileMetrics(registers);
  const observeQueue = queueMetrics(registers);
  return {
    registry,
    observeRequest: (request) => requests.inc(request),
    controller: observeReconcile,
    queue: observeQueue,
    leader(name) {
      leads.set({ name }, 0);
      return (isLeader) => leads.set({ name }, isLeader ? 1 : 0);
    },
  };
}

function reconcileMetrics(registers: Registry[]): Metrics['controller'] {
  const labelNames = ['controller'];
  const total = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles, by outcome.',
    labelNames: ['controller', 'result'],
    registers,
  });
  const errors = new Counter({
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Reconciles that failed.',
    labelNames,
    registers,
  });
  const terminalErrors = new Counter({
    name: 'controller_runtime_terminal_reconcile_errors_total',
    help: 'Reconciles that failed and are not retried.',
    labelNames,
    registers,
  });
  const time = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'How long a reconcile takes.',
    labelNames,
    buckets: RECONCILE_BUCKETS,
    registers,
  });
  const maxConcurrent = new Gauge({
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Reconciles that may run at once.',
    labelNames,
    registers,
  });
  const active = new Gauge({
    name: 'controller_runtime_active_workers',
    help: 'Reconciles that run now.',
    labelNames,
    registers,
  });
  return (controller, concurrency) => {
    for (const result of RECONCILE_RESULTS) total.inc({ controller, result }, 0);
    for (const counter of [errors, terminalErrors]) counter.inc({ controller }, 0);
    time.zero({ controller });
    active.set({ controller }, 0);
    maxConcurrent.set({ controller }, concurrency);
    return {
      started: () => active.inc({ controller }),
      finished(result, seconds, terminal) {
        active.dec({ controller });
        total.inc({ controller, result });
        time.observe({ controller }, seconds);
        if (result === 'error') errors.inc({ controller });
        if (terminal) terminalErrors.inc({ controller });
      },
    };
  };
}

function queueMetrics(registers: Registry[]): Metrics['queue'] {
  const labelNames = ['name'];
  const depth = new Gauge({ name: 'workqueue_depth', help: 'Keys ready to be worked on.', labelNames, registers });
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys queued.', labelNames, registers });
  const retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys queued again after a failure.',
    labelNames,
    registers,
  });
  const buckets = QUEUE_BUCKETS;
  const waited = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long a key waits in the queue.',
    labelNames,
    buckets,
    registers,
  });
  const worked = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long a key is worked on.',
    labelNames,
    buckets,
    registers,
  });
  const ages: { name: string; seconds: () => number[] }[] = [];
  for (const [name, help, combine] of [
    ['workqueue_unfinished_work_seconds', 'How long all keys in progress have been worked on together.', sum],
    ['workqueue_longest_running_processor_seconds', 'How long the oldest key in progress has been worked on.', max],
  ] as const) {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        for (const queue of ages) this.set({ name: queue.name }, combine(queue.seconds()));
      },
    });
  }
  return (name) => {
    depth.set({ name }, 0);
    for (const counter of [adds, retries]) counter.inc({ name }, 0);
    for (const histogram of [waited, worked]) histogram.zero({ name });
    return {
      observer: {
        added(count) {
          adds.inc({ name });
          depth.set({ name }, count);
        },
        started(count, seconds) {
          depth.set({ name }, count);
          waited.observe({ name }, seconds);
        },
        finished: (seconds) => worked.observe({ name }, seconds),
        retried: () => retries.inc({ name }),
      },
      attach: (queue, nowMs) =>
        void ages.push({ name, seconds: () => Array.from(queue.running, (since) => (nowMs() - since) / 1000) }),
    };
  };
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
const max = (values: number[]) => Math.max(0, ...values);
