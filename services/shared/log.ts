import { type DestinationStream, pino, stdTimeFunctions, type Logger, type LoggerOptions } from 'pino';
import { currentRequest, spanIdOf, traceIdOf } from './request-context.ts';

export type { Logger } from 'pino';

/** JSON lines on stdout; every line written for a request carries its ids. */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level,
    base: { service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    mixin() {
      const request = currentRequest();
      if (!request) return {};
      const { requestId, correlationId, traceparent } = request;
      return { requestId, correlationId, traceId: traceIdOf(traceparent), spanId: spanIdOf(traceparent) };
    },
  };
  return destination ? pino(options, destination) : pino(options);
}

/**
 * Logs a standing trouble once when it begins, not at every attempt, and once when it is over.
 */
export function troubleLog(log: Logger, subject: string) {
  let since: number | undefined;
  return {
    trouble(error: unknown): void {
      if (since === undefined) log.warn({ err: error }, `${subject}: in trouble, trying again until it works`);
      else log.debug({ err: error }, `${subject}: still in trouble`);
      since ??= Date.now();
    },
    fine(): void {
      if (since !== undefined) log.info({ afterMs: Date.now() - since }, `${subject}: works again`);
      since = undefined;
    },
  };
}
