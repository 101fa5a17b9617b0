import { once } from 'node:events';
import { environment, loadConfig } from '@orderplane/shared/config.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { createMetrics, createReadiness, managementServer } from '@orderplane/shared/management.ts';
import { openTracing } from '@orderplane/shared/telemetry/open.ts';
import { drainBeforeClosing } from './drain.ts';
import { observeRequests } from './observe.ts';

const SERVICE = 'storefront';

/** Metrics, traces, logs and the management port, as every service has them. */
export async function startTelemetry(): Promise<void> {
  const config = loadConfig(SERVICE, environment({}), process.env);
  const log = createLogger(SERVICE, config.LOG_LEVEL);
  const metrics = createMetrics(SERVICE);
  const readiness = createReadiness(log);
  const management = managementServer(readiness, metrics, log).listen(config.MANAGEMENT_PORT);
  await once(management, 'listening');
  const tracing = await openTracing(config, { service: SERVICE, metrics, log });
  observeRequests({ metrics, tracing, log, management });
  const finish = async () =>
    tracing?.stop().catch((error: unknown) => log.warn({ err: error }, 'stopping was not clean'));
  drainBeforeClosing({ readiness, delayMs: config.DRAIN_DELAY_MS, finish });
  readiness.start();
}
