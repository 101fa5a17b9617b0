import { randomUUIDv7 } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { Registry } from 'prom-client';
import type { EncodedEvent } from '../../events/bus.ts';
import { createLogger } from '../../log.ts';
import { createPool, inTransaction, type Pool } from '../../postgres.ts';
import { appendToOutbox } from '../append.ts';
import { startRelay } from '../relay.ts';

const WRITERS = 32;
const MAX_EVENTS_OF_TRANSACTION = 100;
const MAX_IDLE_MS = 300;
const GIVE_UP_MS = 30_000;
const log = createLogger('storm', 'silent');

export interface StormOptions {
  /** Of a database that has an outbox. */
  readonly uri: string;
  /** How many events are committed in all. */
  readonly events: number;
  /** A random whole number from 0 to below the bound. */
  readonly below: (bound: number) => number;
  readonly progress?: (published: number) => void;
}

export interface Storm {
  readonly committed: number;
  readonly aborted: number;
  readonly idled: number;
  /** Committed, and not published. */
  readonly skipped: number;
  readonly doubled: number;
  /** Published after an event of the same writer that was committed later. */
  readonly overtaken: number;
  /** Published, and not committed. */
  readonly invented: number;
}

/**
 * 32 writers with transactions of random length, some of which abort and some of which sit idle while others commit, beside one that is idle
 * all the time; two relays, of which the one that leads is stopped half-way. What was committed, the database itself says.
 */
export async function outboxStorm({ uri, events, below, progress }: StormOptions): Promise<Storm> {
  await using stack = new AsyncDisposableStack();
  const pool = createPool({ uri, name: 'storm', log, max: WRITERS + 4 });
  stack.defer(() => pool.end());
  await pool.query('drop table if exists storm');
  await pool.query('create table storm (event_id uuid, writer int, place int)');
  const idle = new pg.Client(uri);
  await idle.connect();
  stack.defer(() => idle.end());
  // With a transaction id of its own: what is deleted after this cannot be cleared away.
  await idle.query('begin; select pg_current_xact_id()');

  const published: string[] = [];
  const publisher = {
    ready: async () => undefined,
    publish: async ({ id }: EncodedEvent) => void published.push(id),
  };
  const start = () => {
    const relay = startRelay({ pool, uri, name: 'storm', publisher, log, metrics: new Registry(), pollMs: 100 });
    stack.defer(() => relay.stop());
    return relay;
  };
  const [leader, successor] = [start(), start()];
  const facts = { pool, below, wake: () => [leader, successor][below(2)]?.wake(), left: events, aborted: 0, idled: 0 };
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(facts, writer)));
  const half = async () => (progress?.(published.length), published.length >= events / 2);
  await Promise.race([until(half), writing.then(() => until(half))]);
  await leader.stop();
  await writing;
  await drained(pool, published, progress);
  const { rows } = await pool.query<Row>('select event_id, writer, place from storm');
  return { ...compare(rows, published), aborted: facts.aborted, idled: facts.idled };
}

interface Facts {
  readonly pool: Pool;
  readonly below: (bound: number) => number;
  readonly wake: () => void;
  /** How many events are still to be committed. */
  left: number;
  aborted: number;
  idled: number;
}

/** One transaction after the other, as long as there is something left to be written. */
async function write(facts: Facts, writer: number): Promise<void> {
  const { pool, below, wake } = facts;
  for (let place = 0; facts.left > 0;) {
    const count = Math.min(facts.left, 1 + below(MAX_EVENTS_OF_TRANSACTION));
    const [aborts, idles] = [below(5) === 0, below(10) === 0];
    if (!aborts) facts.left -= count;
    const ids = Array.from({ length: count }, () => randomUUIDv7());
    const abort = new Error('aborted');
    await inTransaction(pool, async (transaction) => {
      const values = [ids, writer, place];
      await appendToOutbox(
        transaction,
        ids.map((id): EncodedEvent => ({ id, topic: 'order_created', json: '{}' })),
      );
      if (idles) await delay(below(MAX_IDLE_MS));
      await transaction.query(
        'insert into storm select event_id, $2::int, $3::int + place from unnest($1::uuid[]) with ordinality as each (event_id, place)',
        values,
      );
      if (aborts) throw abort;
    }).catch((error: unknown) => {
      if (error !== abort) throw error;
    });
    if (!aborts) place += count;
    facts.aborted += Number(aborts);
    facts.idled += Number(idles);
    wake();
  }
}

interface Row {
  readonly event_id: string;
  readonly writer: number;
  readonly place: number;
}

function compare(rows: readonly Row[], published: readonly string[]) {
  const committed = new Map(rows.map((row) => [row.event_id, row]));
  const times = new Map<string, number>();
  const lastOf = new Map<number, number>();
  let [overtaken, invented] = [0, 0];
  for (const id of published) {
    times.set(id, (times.get(id) ?? 0) + 1);
    const row = committed.get(id);
    if (!row) invented += 1;
    else if (row.place < (lastOf.get(row.writer) ?? 0)) overtaken += 1;
    else lastOf.set(row.writer, row.place);
  }
  return {
    committed: committed.size,
    skipped: rows.filter(({ event_id }) => !times.has(event_id)).length,
    doubled: [...times.values()].filter((count) => count > 1).length,
    overtaken,
    invented,
  };
}

/** Resolves when nothing is left, or when nobody gets on with it any more. */
async function drained(pool: Pool, published: readonly string[], progress: StormOptions['progress']): Promise<void> {
  let last = { count: published.length, at: Date.now() };
  await until(async () => {
    const count = published.length;
    progress?.(count);
    if (count !== last.count) last = { count, at: Date.now() };
    return Date.now() - last.at > GIVE_UP_MS || (await pool.query('select from outbox limit 1')).rowCount === 0;
  });
}

async function until(isIt: () => Promise<boolean>): Promise<void> {
  while (!(await isIt())) await delay(50);
}
