import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import { Counter, type Registry } from 'prom-client';
import { pause } from '../backoff.ts';
import { type Logger, troubleLog } from '../log.ts';

export interface SpanQueueOptions {
  readonly exporter: SpanExporter;
  readonly metrics: Registry;
  readonly log: Logger;
  /** Spans that wait at most. */
  readonly maxWaiting?: number;
  /** How long spans are collected to be sent together. */
  readonly everyMs?: number;
  /** How long the last of them may take when the service stops. */
  readonly stopWithinMs?: number;
}

const BATCH = 512;

/**
 * Sends finished spans one batch after the other. Whoever ends a span never waits: what does not fit in is dropped and counted, and so is
 * what the collector did not take.
 */
export function spanQueue({
  exporter,
  metrics,
  log,
  maxWaiting = 2048,
  everyMs = 1000,
  stopWithinMs = 2000,
}: SpanQueueOptions): SpanProcessor {
  const outcomes = new Counter({
    name: 'trace_spans_total',
    help: 'Spans by what became of them: sent, or dropped because too many waited or the collector did not take them.',
    labelNames: ['outcome'],
    registers: [metrics],
  });
  const state = troubleLog(log, 'sending traces');
  const waiting: ReadableSpan[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;

  const sendAll = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH);
      try {
        await send(exporter, batch);
        outcomes.inc({ outcome: 'sent' }, batch.length);
        state.fine();
      } catch (error) {
        outcomes.inc({ outcome: 'not_taken' }, batch.length);
        state.trouble(error);
      }
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    sending ??= sendAll().finally(() => (sending = undefined));
    return sending;
  };

  return {
    onStart: () => undefined,
    onEnd(span) {
      if (waiting.length >= maxWaiting) {
        outcomes.inc({ outcome: 'queue_full' });
        return;
      }
      waiting.push(span);
      if (waiting.length >= BATCH) void flush();
      else timer ??= setTimeout(() => void flush(), everyMs).unref();
    },
    forceFlush: flush,
    async shutdown() {
      const inTime = new AbortController();
      await Promise.race([flush(), pause(stopWithinMs, inTime.signal)]);
      inTime.abort();
      outcomes.inc({ outcome: 'queue_full' }, waiting.splice(0).length);
      await exporter.shutdown();
    },
  };
}

function send(exporter: SpanExporter, batch: ReadableSpan[]): Promise<void> {
  return new Promise((resolve, reject) => {
    exporter.export(batch, ({ code, error }) =>
      code === 0 ? resolve() : reject(error ?? new Error('the collector did not take the spans')),
    );
  });
}
