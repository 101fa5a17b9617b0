import { expect, test } from '@jest/globals';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { Registry } from 'prom-client';
import { createLogger } from '../log.ts';
import { spanQueue } from './span-queue.ts';

type Export = SpanExporter['export'];

/** A queue of at most 1,000 spans that sends only when it is told to, or when a batch is full. */
function queueTo(send: Export) {
  const metrics = new Registry();
  const exporter = { export: send, shutdown: async () => undefined };
  const options = { maxWaiting: 1000, everyMs: 600_000, stopWithinMs: 20 };
  const queue = spanQueue({ ...options, exporter, metrics, log: createLogger('test', 'fatal') });
  return {
    queue,
    end: (count: number) => Array.from({ length: count }, () => queue.onEnd({} as ReadableSpan)),
    async counted() {
      const { values } = (await metrics.getSingleMetric('trace_spans_total')?.get()) ?? { values: [] };
      return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]));
    },
  };
}

test('spans are sent in batches, one at a time, and counted', async () => {
  const batches: number[] = [];
  const { queue, end, counted } = queueTo((spans, done) => {
    batches.push(spans.length);
    setImmediate(() => done({ code: 0 }));
  });
  end(700);
  await queue.forceFlush();
  expect(batches).toEqual([512, 188]);
  expect(await counted()).toEqual({ sent: 700 });
});

test('what a collector refuses is counted, and what comes after is tried', async () => {
  let failures = 1;
  const { queue, end, counted } = queueTo((_spans, done) => done({ code: failures-- > 0 ? 1 : 0 }));
  end(10);
  await queue.forceFlush();
  end(5);
  await queue.forceFlush();
  expect(await counted()).toEqual({ not_taken: 10, sent: 5 });
});

test('a collector that never answers costs no more than the queue: the rest is dropped and counted, and stopping takes no longer than it may', async () => {
  const { queue, end, counted } = queueTo(() => undefined);
  end(2000);
  // 512 are on their way for ever, 1,000 wait.
  expect(await counted()).toEqual({ queue_full: 488 });
  await queue.shutdown();
  expect(await counted()).toEqual({ queue_full: 1488 });
});
