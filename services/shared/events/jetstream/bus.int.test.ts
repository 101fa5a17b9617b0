import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startNats } from '@orderplane/hack/testing/nats.ts';
import { natsConfig } from '@orderplane/operator/resources/nats-config.ts';
import { ORDER_TOPICS } from '@orderplane/contracts/topics.ts';
import { Registry } from 'prom-client';
import { createLogger } from '../../log.ts';
import { type BrokerUnderTest, describeEventBus } from '../bus-conformance.ts';
import { jetStreamBus } from './bus.ts';

const log = createLogger('test', process.env.LOG_LEVEL?.toLowerCase() ?? 'silent');

// Under the permissions that the operator gives to services, so that the suite shows that they suffice.
const TOPICS_OF_USERS = {
  publisher: { publish: ORDER_TOPICS, consume: [] },
  projection: { publish: [], consume: ORDER_TOPICS },
  audit: { publish: [], consume: ORDER_TOPICS },
} as const;

function authorization(): string {
  const admin = { name: 'admin', service: 'admin', password: 'admin', topics: undefined, hasOwnInbox: true };
  const users = Object.entries(TOPICS_OF_USERS).map(([name, topics]) => ({
    name,
    service: name,
    password: name,
    topics,
    hasOwnInbox: true,
  }));
  const config = natsConfig([admin, ...users]);
  return config.slice(config.indexOf('authorization'));
}

async function startBroker(): Promise<BrokerUnderTest> {
  const server = await startNats({ configText: authorization() });
  const uri = (user: string) => server.uri.replace('nats://', `nats://${user}:${user}@`);
  const asAdmin = async <T>(work: (connection: NatsConnection) => Promise<T>): Promise<T> => {
    const connection = await connect({ servers: server.uri, user: 'admin', pass: 'admin' });
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  };
  return {
    bus: (name) => jetStreamBus({ uri: uri(name), name, log, metrics: new Registry() }),
    publishRaw: (topic, body) => asAdmin(async (connection) => void (await jetstream(connection).publish(topic, body))),
    deadLetters: () => asAdmin(readDeadLetters),
    kill: () => server.kill(),
    start: () => server.start(),
    stop: () => server.stop(),
  };
}

async function readDeadLetters(connection: NatsConnection) {
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info('DEAD_LETTERS');
  const letters = [];
  for (let seq = 1; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('DEAD_LETTERS', { seq });
    if (!message) continue;
    letters.push({
      topic: message.subject.replace(/^dead\./, ''),
      body: message.string(),
      consumer: message.header.get('Orderplane-Consumer'),
      reason: message.header.get('Orderplane-Reason'),
    });
  }
  return letters;
}

describeEventBus('the event bus on JetStream', startBroker);
