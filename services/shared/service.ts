import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type * as z from 'zod';
import { pause } from './backoff.ts';
import { type BaseConfig, ConfigError, loadConfig } from './config.ts';
import { createLogger, type Logger } from './log.ts';
import { createMetrics, createReadiness, managementServer, type Readiness } from './management.ts';
import { openTracing } from './telemetry/open.ts';
import type { Tracing } from './telemetry/span.ts';

/** What a service is given to be built from. */
export interface ServiceContext<Config> {
  readonly name: string;
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Undefined where no traces are collected. */
  readonly tracing: Tracing | undefined;
  readonly readiness: Pick<Readiness, 'add' | 'isDraining'>;
  /** To be done when the service stops; last registered is done first, so that what is built on something goes before it. */
  onStop(stop: () => Promise<void>): void;
}

export interface Service<Config extends BaseConfig> {
  readonly name: string;
  readonly config: z.ZodType<Config>;
  /** Resolves when the service listens, with its port. What it depends on may be away: readiness tells. */
  start(context: ServiceContext<Config>): Promise<{ port: number }>;
}

/** Infers the type of a service's configuration from its schema. */
export function defineService<Config extends BaseConfig>(service: Service<Config>): Service<Config> {
  return service;
}

export interface RunningService {
  readonly port: number;
  readonly managementPort: number;
  /** Not ready at once; goes on serving for the drain delay; ends what is in flight; closes. */
  stop(): Promise<void>;
}

/** Starts a service in this process, with the environment given. */
export async function startService<Config extends BaseConfig>(
  service: Service<Config>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<RunningService> {
  const { name } = service;
  const config = loadConfig(name, service.config, env);
  const log = createLogger(name, config.LOG_LEVEL);
  const metrics = createMetrics(name);
  const readiness = createReadiness(log);
  const management = managementServer(readiness, metrics, log);
  const stops: (() => Promise<void>)[] = [() => closeServer(management)];

  const stopAll = async () => {
    for (const stop of stops.toReversed()) {
      await stop().catch((error: unknown) => log.warn({ err: error }, 'stopping was not clean'));
    }
  };
  try {
    await listen(management, config.MANAGEMENT_PORT);
    const tracing = await openTracing(config, { service: name, metrics, log });
    if (tracing) stops.push(() => tracing.stop());
    const onStop = (stop: () => Promise<void>) => void stops.push(stop);
    const { port } = await service.start({ name, config, log, metrics, tracing, readiness, onStop });
    readiness.start();
    log.info({ port, startedInMs: Math.round(performance.now()) }, 'listening');
    return {
      port,
      managementPort: (management.address() as AddressInfo).port,
      async stop() {
        readiness.drain();
        log.info('stopping: not ready any more, finishing what is in flight');
        await pause(config.DRAIN_DELAY_MS, new AbortController().signal);
        await stopAll();
        log.info('stopped');
      },
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/** The whole life of a service's process: until SIGTERM or SIGINT, and through the drain. */
export async function runService<Config extends BaseConfig>(service: Service<Config>): Promise<void> {
  const running = await startService(service, process.env).catch((error: unknown) => {
    process.stderr.write(`${error instanceof ConfigError ? error.message : String((error as Error).stack)}\n`);
    process.exit(1);
  });
  const stop = async () => {
    await running.stop();
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
