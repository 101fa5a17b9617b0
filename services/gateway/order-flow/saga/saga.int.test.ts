import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chance } from '@orderplane/operator/controllers/testing/chance.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { OUTCOMES, runSagas } from './sagas.ts';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet();
}, 600_000);
afterAll(() => fleet?.stop(), 60_000);

test('1,000 sagas balance to the unit, whatever is killed meanwhile, and the read model equals a rebuild', async () => {
  const { seed, below } = chance();
  const run = { sagas: 1000, below, customers: 24, killEveryMs: 3000, killsOfEach: 1 };
  const { faults, outcomes, kills, quietAfterMs } = await runSagas(fleet, run);
  console.log(`FAULT_SEED=${seed} ${JSON.stringify({ outcomes, kills, quietAfterMs })}`);
  expect({ seed, faults }).toEqual({ seed, faults: [] });
  // A run in which nothing was at stake would show nothing.
  expect(OUTCOMES.filter((outcome) => !outcomes[outcome])).toEqual([]);
}, 900_000);
