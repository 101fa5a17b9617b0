import type { Registry } from 'prom-client';
import type { Logger } from '../../log.ts';
import type { Tracing } from '../../telemetry/span.ts';
import type { EventBus } from '../bus.ts';
import { eventMetrics } from '../metrics.ts';
import { openConnection, type BrokerAddress } from './connection.ts';
import { startConsumption } from './consumption.ts';
import { deliveryOf } from './delivery.ts';
import { jetStreamPublisher } from './publisher.ts';
import { openReplay } from './replay.ts';

/** The event bus on NATS JetStream. Connects in the background, and reconnects, until it is closed. */
export function jetStreamBus(
  options: BrokerAddress & { log: Logger; metrics: Registry; tracing?: Tracing | undefined },
): EventBus {
  const { log, tracing } = options;
  const stop = new AbortController();
  const connection = openConnection(options, log);
  const consumptions: { stopped: Promise<void> }[] = [];
  const metrics = eventMetrics(options.metrics);
  return {
    publisher: jetStreamPublisher(connection, { tracing, closing: stop.signal }),
    consume(subscription) {
      const delivery = deliveryOf(subscription, { log, metrics, tracing, stopping: stop.signal });
      consumptions.push(startConsumption(connection, subscription, { delivery, log, stopping: stop.signal }));
    },
    replay: (options) => openReplay(connection, options, { log, closing: stop.signal }),
    async check() {
      if (!connection.isConnected()) throw new Error('there is no connection to the broker');
    },
    async close() {
      stop.abort();
      await Promise.all(consumptions.map(({ stopped }) => stopped));
      await connection.close();
    },
  };
}
