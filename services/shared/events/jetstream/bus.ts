import { Counter, type Registry } from 'prom-client';
import type { Logger } from '../../log.ts';
import type { EventBus } from '../bus.ts';
import { openConnection, type BrokerAddress } from './connection.ts';
import { startConsumption } from './consumption.ts';
import { deliveryOf } from './delivery.ts';
import { jetStreamPublisher } from './publisher.ts';

/** The event bus on NATS JetStream. Connects in the background, and reconnects, until it is closed. */
export function jetStreamBus(options: BrokerAddress & { log: Logger; metrics: Registry }): EventBus {
  const { log } = options;
  const stop = new AbortController();
  const connection = openConnection(options, log);
  const consumptions: { stopped: Promise<void> }[] = [];
  const outcomes = new Counter({
    name: 'events_handled_total',
    help: 'Deliveries of events by how they ended.',
    labelNames: ['topic', 'outcome'],
    registers: [options.metrics],
  });
  return {
    publisher: jetStreamPublisher(connection, stop.signal),
    consume(subscription) {
      const delivery = deliveryOf(subscription, { log, outcomes, stopping: stop.signal });
      consumptions.push(startConsumption(connection, subscription, { delivery, log, stopping: stop.signal }));
    },
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
