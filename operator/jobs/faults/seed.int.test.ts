import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chance } from '../../controllers/testing/chance.ts';
import { titleOf } from './migration.ts';
import { CASES, SEED_FAULTS, seedFaultsOf, seedThrough, undisturbedSeed } from './seed.ts';
import { mongoSeedStore, postgresSeedStore, type SeedStore } from './seed-stores.ts';

/** Of each case; `npm run soak` has more, and a million rows. */
const SAMPLE = 2;
const { seed, sample } = chance();

/** The stand-in for MongoDB takes about as long for its rows as Postgres for twenty times as many. */
describe.each([
  { engine: 'postgres', rows: 50_000, startStore: postgresSeedStore },
  { engine: 'mongo', rows: 2_500, startStore: mongoSeedStore },
])('on $engine, a seed of $rows rows', ({ rows, startStore }) => {
  let store: SeedStore;
  beforeAll(async () => {
    store = await startStore();
  }, 60_000);
  afterAll(() => store?.stop());

  test.each(CASES)(
    '%s: written and counted once, wherever its Job is killed, or loses a connection, an answer or its server',
    async (kind) => {
      const model = await undisturbedSeed(store, kind, rows);
      const all = seedFaultsOf(model);
      const wrong: Record<string, string> = {};
      for (const struck of sample(SEED_FAULTS, SAMPLE)) {
        const [fault] = sample(
          all.filter((each) => each.kind === struck),
          1,
        );
        const found = await seedThrough(model, fault!);
        if (found) wrong[titleOf(fault!)] = found;
      }
      // With the seed that replays it.
      expect({ FAULT_SEED: seed, wrong }).toEqual({ FAULT_SEED: seed, wrong: {} });
    },
    180_000,
  );
});
