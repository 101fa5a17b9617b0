import { readFile } from 'node:fs/promises';
import { randomUUIDv7 } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { Registry } from 'prom-client';
import type { EncodedEvent, EventPublisher } from '../events/bus.ts';
import { createLogger } from '../log.ts';
import { createPool, inTransaction, type Pool } from '../postgres.ts';
import { appendToOutbox } from './append.ts';
import { type Relay, startRelay } from './relay.ts';

const log = createLogger('test', 'silent');
// Only a wake-up makes a relay look before the test is over.
const NEVER = 3_600_000;

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let pool: Pool;
const relays: Relay[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
  pool = createPool({ uri: postgres.uri, name: 'test', log });
  await pool.query(await readFile(new URL('../../orders/migrations/0001_orders.up.sql', import.meta.url), 'utf8'));
}, 600_000);
// Commits to the disk, and with it what was deleted before: else a kill would bring back events of the test before.
beforeEach(() => pool.query('truncate outbox'));
afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.stop()));
});
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

/** A broker that keeps what it is given, and refuses it where it is told to. */
function recordingPublisher(refuses: (event: EncodedEvent) => boolean = () => false) {
  const stored: string[] = [];
  const publisher: EventPublisher = {
    ready: async () => undefined,
    async publish(event) {
      if (refuses(event)) throw new Error('refused');
      stored.push(event.id);
    },
  };
  return { stored, publisher };
}

function start(publisher: EventPublisher, pollMs = NEVER): Relay {
  const relay = startRelay({ pool, uri: postgres.uri, name: 'test', publisher, log, metrics: new Registry(), pollMs });
  relays.push(relay);
  return relay;
}

function events(count: number): EncodedEvent[] {
  return Array.from({ length: count }, () => ({ id: randomUUIDv7(), topic: 'order_created', json: '{}' }));
}

const append = (batch: readonly EncodedEvent[]) =>
  inTransaction(pool, (transaction) => appendToOutbox(transaction, batch));
const ids = (batch: readonly EncodedEvent[]) => batch.map(({ id }) => id);

async function until(isIt: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await isIt())) {
    if (Date.now() > deadline) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const isLed = async () =>
  (await pool.query(`select from pg_locks where locktype = 'advisory' and granted`)).rowCount === 1;
const isEmpty = async () => (await pool.query('select from outbox')).rowCount === 0;

describe('the outbox', () => {
  test('publishes what was committed, in order, and keeps nothing of it', async () => {
    const batch = events(450);
    await append(batch);
    await inTransaction(pool, async (transaction) => {
      await appendToOutbox(transaction, events(1));
      throw new Error('rolled back');
    }).catch(() => undefined);
    const { stored, publisher } = recordingPublisher();
    start(publisher);
    await until(isEmpty);
    expect(stored).toEqual(ids(batch));
  });

  test('finds what was numbered early and committed late', async () => {
    const [early, late] = [events(1), events(1)];
    const { stored, publisher } = recordingPublisher();
    const relay = start(publisher);
    await until(isLed);
    await inTransaction(pool, async (transaction) => {
      await appendToOutbox(transaction, early);
      await append(late);
      relay.wake();
      await until(() => stored.length === 1);
    });
    relay.wake();
    await until(isEmpty);
    expect(stored).toEqual([...ids(late), ...ids(early)]);
  });

  test('keeps what the broker did not store, and publishes that again', async () => {
    const batch = events(3);
    let refusals = 2;
    const { stored, publisher } = recordingPublisher(({ id }) => id === batch[1]?.id && refusals-- > 0);
    await append(batch);
    start(publisher);
    await until(isEmpty);
    expect(stored).toEqual([batch[0]?.id, batch[2]?.id, batch[1]?.id]);
  });

  test('is published by one process at a time, which others wake, and which the next one replaces when it dies', async () => {
    const [first, second] = [recordingPublisher(), recordingPublisher()];
    const leader = start(first.publisher);
    await until(isLed);
    const follower = start(second.publisher, 50);
    const batches = [events(2), events(2)] as const;
    await append(batches[0]);
    follower.wake();
    await until(isEmpty);
    expect([first.stored, second.stored]).toEqual([ids(batches[0]), []]);

    await leader.stop();
    await append(batches[1]);
    await until(isEmpty);
    expect([first.stored, second.stored]).toEqual([ids(batches[0]), ids(batches[1])]);
  });

  test('goes on after the database was away', async () => {
    const { stored, publisher } = recordingPublisher();
    start(publisher);
    await until(isLed);
    await postgres.kill();
    await postgres.start();
    const batch = events(2);
    await append(batch);
    await until(isEmpty);
    expect(stored).toEqual(ids(batch));
  }, 30_000);
});
