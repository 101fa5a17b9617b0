/** A seed by a Job in a process of its own, which is killed, or loses its connection, an answer or its server at one of its requests. */
import { isDeepStrictEqual } from 'node:util';
import type { SeedCounts, SeedResult } from '../contract.ts';
import { products } from '../seed/products.ts';
import { jobGroup, type SpawnedJob } from '../testing/run-job.ts';
import { applied, diffOf, type Snapshot } from '../testing/table-diff.ts';
import { isByTheClock, startWireGate, type WireFault, type WireGate } from '../testing/wire-gate.ts';
import type { Row, SeedStore, SeedTarget } from './seed-stores.ts';

export const SEED_FAULTS = ['killed', 'killedMidway', 'cut', 'answerLost', 'serverKilled'] as const;
export interface SeedFault extends WireFault {
  kind: (typeof SEED_FAULTS)[number];
}

/** An empty table is another way than one that holds some of the rows. */
export type Case = 'InsertOnly, empty table' | 'Upsert' | 'Replace';
export const CASES: readonly Case[] = ['InsertOnly, empty table', 'Upsert', 'Replace'];

/** What a seed starts from and must come to, and what an undisturbed one sends. */
export interface SeedModel {
  store: SeedStore;
  mode: 'InsertOnly' | 'Upsert' | 'Replace';
  size: number;
  newTarget(): Promise<SeedTarget>;
  before: Snapshot;
  expected: Snapshot;
  requests: WireGate['requests'];
}

const RUN = 'run-1';

export async function undisturbedSeed(store: SeedStore, kind: Case, size: number): Promise<SeedModel> {
  const isEmpty = kind === 'InsertOnly, empty table';
  const mode = isEmpty ? 'InsertOnly' : kind;
  const newTarget = await store.template(isEmpty ? [] : rowsBefore(datasetRows(store, size)));
  const first = await newTarget();
  const before = await first.look();
  await first.drop();
  const expected = applied(before, [...datasetRows(store, size)].flat(), mode);
  const model: SeedModel = { store, mode, size, newTarget, before, expected, requests: [] };
  const fault = await onTarget(model, undefined, async (target, gate, start) => {
    const wrong = await wrongIn(model, target, await start());
    model.requests = [...gate.requests];
    return wrong;
  });
  if (fault) throw new Error(`an undisturbed seed went wrong: ${fault}`);
  return model;
}

/** Every fault at every request: most of those are pieces of a COPY, or batches. */
export function seedFaultsOf({ requests }: SeedModel): SeedFault[] {
  return SEED_FAULTS.flatMap((kind) => requests.map(({ at, occurrence }) => ({ kind, at, occurrence })));
}

/** What was wrong with a seed in which this fault struck; undefined when nothing was. */
export function seedThrough(model: SeedModel, fault: SeedFault): Promise<string | undefined> {
  return onTarget(model, fault, async (target, gate, start) => {
    const job = await start();
    await Promise.race([gate.struck, job.exited]);
    if (!gate.hasStruck()) {
      if (isByTheClock(fault)) return wrongIn(model, target, job);
      return `the Job ended before that request: ${(await job.exited).result}`;
    }
    if (fault.kind === 'serverKilled') await model.store.crash();
    const isKilled = fault.kind === 'killed' || fault.kind === 'killedMidway';
    if (isKilled) {
      job.process.kill('SIGKILL');
      await job.exited;
    }
    // Who was killed is followed by another; who lost a connection goes on, and so does another after one that was held up for too long.
    let last = isKilled ? await start() : job;
    for (let again = 0; again < 3 && HELD_UP.test((await last.exited).result); again++) last = await start();
    return wrongIn(model, target, last);
  });
}

/** A busy machine may hold a Job up for longer than a lease lasts, or than it looks for its server. */
const HELD_UP = /"reason":"(LockLost|Unreachable)"/;

/** Compares what the Job says, what the run table has, and what there is to be seen in the table. */
async function wrongIn(model: SeedModel, target: SeedTarget, job: SpawnedJob): Promise<string | undefined> {
  const { code, result } = await job.exited;
  if (code !== 0) return result;
  const after = await target.look();
  if (!isDeepStrictEqual(after, model.expected)) return differenceOf(after, model.expected);
  const seen: SeedCounts = diffOf(model.before, after, model.size);
  const { name: _, ...told } = (JSON.parse(result) as SeedResult).datasets[0]!;
  const recorded = await target.recorded(RUN);
  if (isDeepStrictEqual(told, seen) && isDeepStrictEqual({ ...recorded }, seen)) return undefined;
  return `the table says ${JSON.stringify(seen)}, the Job ${JSON.stringify(told)}, the run table ${JSON.stringify(recorded)}`;
}

function differenceOf(after: Snapshot, expected: Snapshot): string {
  const wrong = [...expected].find(([id, row]) => !isDeepStrictEqual(after.get(id), row));
  const [id, row] = wrong ?? [...after].find(([key]) => !expected.has(key))!;
  return `${after.size} rows and not ${expected.size}; ${id} is ${JSON.stringify(after.get(id))} and not ${JSON.stringify(wrong && row)}`;
}

const SEED = 7;
const BATCH = 1_000;
const datasetRows = ({ fields }: SeedStore, count: number) =>
  products({ kind: 'products', count, seed: SEED }, fields, BATCH) as unknown as Iterable<Row[]>;

/** A third of the dataset's rows as they are, a third with another price, a third not at all; and some that the dataset does not have. */
function* rowsBefore(batches: Iterable<Row[]>): Iterable<Row[]> {
  let number = 0;
  for (const rows of batches) {
    yield rows.flatMap((row) => {
      number++;
      if (number % 3 === 0) return [];
      const before = number % 3 === 1 ? { ...row, price: row.price + 1 } : row;
      return number % 20 === 1 ? [before, { ...before, id: `other-${number}` }] : [before];
    });
  }
}

type Start = () => Promise<SpawnedJob>;

async function onTarget<T>(
  { store, newTarget, mode, size }: SeedModel,
  fault: SeedFault | undefined,
  work: (target: SeedTarget, gate: WireGate, start: Start) => Promise<T>,
): Promise<T> {
  const target = await newTarget();
  const gate = await startWireGate(store.engine, store.port, fault);
  const generator = { kind: 'products', count: size, seed: SEED };
  const place = { name: 'products', engine: store.engine, database: target.database, ...store.place };
  const input = { datasets: [{ ...place, key: ['id'], mode, generator }], inputHash: 'h', run: RUN, confirmed: true };
  const jobs = jobGroup();
  const start: Start = () => jobs.spawn('seed', input, { [store.variable]: gate.uriOf(store.uri) });
  try {
    return await work(target, gate, start);
  } finally {
    await jobs.end();
    await gate.close();
    await target.drop();
  }
}
