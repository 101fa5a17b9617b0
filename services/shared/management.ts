import { createServer, type Server } from 'node:http';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Logger, troubleLog } from './log.ts';

export interface Check {
  readonly name: string;
  /** Only what the service cannot do its work without makes it unready; the rest is shown. */
  readonly critical: boolean;
  /** Rejects when what is checked is not well. */
  run(): Promise<void>;
}

/** Well within the time in which the kubelet wants its answer. */
const CHECK_TIMEOUT_MS = 1000;
/**
 * What was well so short a time ago does not make a service unready. Replicas share what they need: where that is slow for a moment, all would
 * be taken out of their Service at once, and everybody refused instead of kept waiting.
 */
const GRACE_MS = 10_000;

export interface Readiness {
  add(check: Check): void;
  /** From here on the service is not ready, whatever its checks say. */
  drain(): void;
  isDraining(): boolean;
  report(): Promise<ReadinessReport>;
}

export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, 'ok' | 'failing'>>;
}

/** Ready once `start` was called and while every critical check passes, or did within the last 10 s. Why one fails is in the log. */
export function createReadiness(
  log: Logger,
  now: () => number = () => performance.now(),
): Readiness & { start(): void } {
  const checks: WatchedCheck[] = [];
  let phase: 'starting' | 'serving' | 'draining' = 'starting';
  return {
    add: (check) =>
      void checks.push({ ...check, state: troubleLog(log, `readiness check ${check.name}`), passedAt: -Infinity }),
    start: () => void (phase = 'serving'),
    drain: () => void (phase = 'draining'),
    isDraining: () => phase === 'draining',
    async report() {
      const states = checks.map(async (check) => {
        const passed = await passes(check);
        if (passed) check.passedAt = now();
        return [check.name, passed ? 'ok' : 'failing'] as const;
      });
      const isWell = ({ critical, passedAt }: WatchedCheck) => !critical || now() - passedAt <= GRACE_MS;
      const report = Object.fromEntries(await Promise.all(states));
      return { ready: phase === 'serving' && checks.every(isWell), checks: report };
    },
  };
}

interface WatchedCheck extends Check {
  readonly state: ReturnType<typeof troubleLog>;
  /** By the clock of the readiness. */
  passedAt: number;
}

async function passes({ run, state }: WatchedCheck): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([run(), timeout]);
    state.fine();
    return true;
  } catch (error) {
    state.trouble(error);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/**
 * /livez says that the process turns, /readyz that work may come, /metrics is Prometheus's. On the bare HTTP server: these three
 * routes are not worth the time and memory of a framework in services that speak no HTTP otherwise.
 */
export function managementServer(readiness: Readiness, metrics: Registry, log: Logger): Server {
  const routes: Readonly<Record<string, () => Promise<Answer>>> = {
    '/livez': async () => json(200, { live: true }),
    '/readyz': async () => {
      const report = await readiness.report();
      return json(report.ready ? 200 : 503, report);
    },
    '/metrics': async () => ({ status: 200, type: metrics.contentType, body: await metrics.metrics() }),
  };
  return createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const route = request.method === 'GET' || request.method === 'HEAD' ? routes[path] : undefined;
    const answering = route?.() ?? Promise.resolve(json(404, { error: 'not found' }));
    answering
      .catch((error: unknown) => {
        log.error({ err: error, path }, 'a management request failed');
        return json(500, { error: 'failed' });
      })
      .then(({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body))
      .catch((error: unknown) => log.error({ err: error, path }, 'an answer could not be written'));
  });
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}
