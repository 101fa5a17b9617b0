/** The way does not matter: from one spec to another gives what a fresh platform of the other has, and back gives what was there before. */
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiGate, type Write } from '../testing/api-gate.ts';
import { chance } from '../testing/chance.ts';
import { startTestCluster, type RunningOperator } from '../testing/cluster.ts';
import { startWorld } from '../testing/world.ts';
import { SPECS } from './specs.ts';
import { freshPlatforms, legalPairs, thereAndBack, type Fresh, type Stage } from './transition.ts';

/** There and back are two transitions. */
const ROUND_TRIPS = 16;

let stage: Stage;
let operator: RunningOperator;
let fresh: ReadonlyMap<string, Fresh>;

beforeAll(async () => {
  const cluster = await startTestCluster();
  stage = { cluster, world: await startWorld(cluster.client) };
  operator = cluster.startOperator();
}, 120_000);

afterAll(async () => {
  await stage?.world.stop();
  await stage?.cluster.stop();
}, 60_000);

test('every spec converges on a fresh platform', async () => {
  fresh = await freshPlatforms(stage, operator);
  expect(fresh.size).toBe(Object.keys(SPECS).length);
}, 300_000);

test(`a change gives what a fresh platform has, and taking it back gives what was there before, for ${ROUND_TRIPS} pairs`, async () => {
  const { seed, sample } = chance();
  process.stderr.write(`pairs of specs are sampled with FAULT_SEED=${seed}\n`);
  const pairs = sample(await legalPairs(stage, fresh), ROUND_TRIPS);
  expect(pairs).toHaveLength(ROUND_TRIPS);
  const faults: string[] = [];
  await thereAndBack(stage, fresh, pairs, (title, wrong) => void (wrong && faults.push(`${title}: ${wrong}`)));
  expect(faults.join('\n\n')).toBe('');
}, 900_000); // prettier-ignore

test('an operator that lists everything anew writes nothing, whatever the specs', async () => {
  await operator.idle();
  await operator.kill();
  const kubeconfig = stage.cluster.operatorKubeconfig;
  const writes: Write[] = [];
  const gate = await startApiGate({ kubeconfig, folder: dirname(kubeconfig), writes });
  const anew = stage.cluster.startOperator({}, undefined, { kubeconfig: gate.kubeconfig });
  await anew.idle();
  expect(writes.map(({ id, namespace, status }) => `${id} in ${namespace}: ${status}`)).toEqual([]);
  await anew.kill();
  await gate.cut();
}, 120_000);
