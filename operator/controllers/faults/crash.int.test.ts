/** The operator dies before or after any of its writes, or loses the answer to one: a platform comes out the same. `npm run soak` tries every write. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chance } from '../testing/chance.ts';
import { startTestCluster, type TestCluster } from '../testing/cluster.ts';
import { startWorld, type World } from '../testing/world.ts';
import { faultsOf, liveThrough, titleOf, undisturbedLife } from './scenario.ts';

const SAMPLES = 40;

let cluster: TestCluster;
let world: World;

beforeAll(async () => {
  cluster = await startTestCluster();
  world = await startWorld(cluster.client);
}, 120_000);

afterAll(async () => {
  await world?.stop();
  await cluster?.stop();
}, 60_000);

test(`a platform comes up, changes and goes the same, with every object created and deleted as often, whatever of ${SAMPLES} faults strikes`, async () => {
  const { seed, sample } = chance();
  process.stderr.write(`faults are sampled with FAULT_SEED=${seed}\n`);
  const model = await undisturbedLife({ cluster, world });
  const faults = sample(faultsOf(model), SAMPLES);
  expect(faults).toHaveLength(SAMPLES);
  const wrong: string[] = [];
  let struck = 0;
  await liveThrough({ cluster, world }, model, faults, {
    onEnd(fault, { hasStruck, message }) {
      if (hasStruck) struck++;
      if (message) wrong.push(`${titleOf(fault)} (FAULT_SEED=${seed}):\n${message}`);
    },
  });
  expect(wrong.join('\n\n')).toBe('');
  // How often a status is written depends on timing: the last of its writes may not come at all.
  expect(struck).toBeGreaterThan(SAMPLES * 0.8);
}, 600_000); // prettier-ignore
