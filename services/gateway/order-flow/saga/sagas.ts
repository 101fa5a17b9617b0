import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { faultsOf } from './audit.ts';
import { type Books, readBooks } from './books.ts';
import { openAccount } from './account.ts';
import { fateOf, live, PRODUCTS, SCARCE } from './customers.ts';
import type { Component, Fleet } from './fleet.ts';
import { readModelFaults } from './read-model.ts';

export interface SagaRun {
  readonly sagas: number;
  /** A random whole number from 0 to below the bound. */
  readonly below: (bound: number) => number;
  /** How many customers are in the shop at once. */
  readonly customers: number;
  /** Pause between a component that is back and the next kill, on average. */
  readonly killEveryMs: number;
  /** How often each component is killed, at least. */
  readonly killsOfEach: number;
  /** Told after each order how many there are. */
  readonly report?: (placed: number) => void;
}

export interface SagaReport {
  /** How many orders ended in which way. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly kills: Readonly<Record<string, number>>;
  /** How long things still moved after the last disturbance. */
  readonly quietAfterMs: number;
  /** What is wrong, in words. */
  readonly faults: readonly string[];
}

/** How an order ends that all goes well with, or that something happens to which customers can bring about. */
export const OUTCOMES = [
  'confirmed',
  'out_of_stock',
  'payment_failed',
  'payment_timeout',
  'requested',
  'refunded',
] as const;

/** What has not come to its end after so long without disturbance never will. */
const QUIET_MS = 60_000;
/** Of the faults: a wrong service has thousands. */
const TOLD = 20;

/**
 * Places orders with random fates while everything is killed at random; then waits until nothing moves, and compares the books of all
 * sides. Chance decides on fates and victims; the moments are the machine's.
 */
export async function runSagas(fleet: Fleet, run: SagaRun): Promise<SagaReport> {
  const seeded = await seedStock(fleet, run.sagas);
  const fates = Array.from({ length: run.sagas }, (_, index) => fateOf(index, run.below));
  let stage: Stage = 'placing';
  const placing = placeAll(fleet, fates, run).then((ids) => ((stage = 'placed'), ids));
  const killing = killAtRandom(fleet.components, run, () => stage);
  const [placed, kills] = await Promise.race([Promise.all([placing, killing]), fleet.died]).catch(
    async (error: unknown) => {
      stage = 'failed';
      throw new Error(`not all orders could be placed: ${String(error)}\n${await fleet.lastWords()}`, { cause: error });
    },
  );
  const { books, quietAfterMs } = await Promise.race([untilQuiet(fleet), fleet.died]);
  const faults = [
    ...books.unfinished.map((what) => `after ${QUIET_MS / 1000} s of quiet: ${what}`),
    ...lostOrders(run.sagas, placed, books),
    ...faultsOf(books, seeded),
    ...(await readModelFaults(fleet, books)),
  ];
  const outcomes: Record<string, number> = {};
  for (const { outcome } of books.orders.values()) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const told = faults.slice(0, TOLD);
  if (faults.length > TOLD) told.push(`and ${faults.length - TOLD} more`);
  return { outcomes, kills, quietAfterMs, faults: told };
}

/** Stock for all, but of one product for a twentieth only. */
async function seedStock({ uris }: Fleet, sagas: number): Promise<Map<string, number>> {
  const seeded = new Map([
    ...PRODUCTS.map((id) => [id, sagas * 10] as const),
    [SCARCE, Math.ceil(sagas / 20)] as const,
  ]);
  const client = new pg.Client(uris.inventory);
  await client.connect();
  try {
    const [ids, counts] = [[...seeded.keys()], [...seeded.values()]];
    await client.query(
      `insert into products (id, name, price) select id, id, 3 + length(id) from unnest($1::text[]) as id`,
      [ids],
    );
    await client.query('insert into stock (product_id, on_hand) select * from unnest($1::text[], $2::int[])', [
      ids,
      counts,
    ]);
  } finally {
    await client.end();
  }
  return seeded;
}

/** The id of each order that a customer was told. */
async function placeAll(
  { urlOf }: Fleet,
  fates: readonly ReturnType<typeof fateOf>[],
  { customers, report }: SagaRun,
): Promise<string[]> {
  const placed: string[] = [];
  let next = 0;
  const customer = async (_: unknown, number: number) => {
    const account = await openAccount(urlOf('gateway'), `customer-${number}`);
    for (let fate = fates[next++]; fate; fate = fates[next++]) {
      placed.push(await live(account, fate));
      report?.(placed.length);
    }
  };
  await Promise.all(Array.from({ length: customers }, customer));
  return placed;
}

function lostOrders(wanted: number, placed: readonly string[], { orders }: Books): string[] {
  const lost = placed.filter((id) => !orders.has(id)).map((id) => `order ${id} was answered for and is not stored`);
  const answers = new Set(placed).size;
  if (new Set([wanted, answers, orders.size]).size > 1) {
    lost.push(`${wanted} orders were wanted, ${answers} answered for, ${orders.size} are stored`);
  }
  return lost;
}

type Stage = 'placing' | 'placed' | 'failed';

async function killAtRandom(
  components: readonly Component[],
  { below, killEveryMs, killsOfEach }: SagaRun,
  stage: () => Stage,
): Promise<Record<string, number>> {
  const kills = Object.fromEntries(components.map(({ name }) => [name, 0]));
  const fewestKills = () => Math.min(...Object.values(kills));
  while (stage() === 'placing' || (stage() === 'placed' && fewestKills() < killsOfEach)) {
    await delay(killEveryMs / 2 + below(killEveryMs));
    // One of those that had it least: none is spared.
    const fewest = fewestKills();
    const spared = components.filter(({ name }) => kills[name] === fewest);
    const victim = spared[below(spared.length)]!;
    await victim.kill();
    await delay(below(200));
    await victim.start();
    kills[victim.name] = fewest + 1;
  }
  return kills;
}

/** The books when nothing moves any more, or as they are when it has been quiet for long enough. */
async function untilQuiet(fleet: Fleet): Promise<{ books: Books; quietAfterMs: number }> {
  const start = Date.now();
  for (;;) {
    const books = await readBooks(fleet);
    const quietAfterMs = Date.now() - start;
    if (books.unfinished.length === 0 || quietAfterMs > QUIET_MS) return { books, quietAfterMs };
    await delay(250);
  }
}
