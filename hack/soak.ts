/**
 * `npm run soak`: what `npm test` takes samples of, in full. Every write of a platform's life crashed on both sides and with its answer lost,
 * every pair of specs there and back, ten minutes in which a steady operator must not write, and a migration that is killed or cut off at each
 * of its requests, on both engines. Ends with `N passed, N failed`. `npm run soak -- crash transitions steady migrations` runs the named parts
 * only; FAULT_SEED replays an order; FAULT_ONLY=text tries what has that text in its title, such as one fault that failed.
 */
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { faultsOf, liveThrough, titleOf, undisturbedLife } from '@orderplane/operator/controllers/faults/scenario.ts';
import {
  freshPlatforms,
  legalPairs,
  thereAndBack,
  titleOfPair,
  type Stage,
} from '@orderplane/operator/controllers/faults/transition.ts';
import { startApiGate, type Write } from '@orderplane/operator/controllers/testing/api-gate.ts';
import { chance } from '@orderplane/operator/controllers/testing/chance.ts';
import { startTestCluster } from '@orderplane/operator/controllers/testing/cluster.ts';
import { startWorld } from '@orderplane/operator/controllers/testing/world.ts';
import {
  faultsOf as faultsOfMigration,
  migrateThroughAll,
  titleOf as titleOfRequest,
  undisturbedMigration,
} from '@orderplane/operator/jobs/faults/migration.ts';
import { mongoStore, postgresStore } from '@orderplane/operator/jobs/faults/stores.ts';
import { createProgress, type Step } from './progress.ts';
import { ensureTestTools } from './testing/tools.ts';

const STEADY_MS = 10 * 60_000;
const STEADY_LOOK_MS = 5_000;
/** A soak runs beside other work: what has not come true by then never will. */
const LIMIT_MS = 5 * 60_000;

/** Told how much is tried, then what was wrong with each. */
type Trial = (total: number) => (title: string, wrong: string | undefined) => void;
type Part = (stage: Stage, trial: Trial) => Promise<void>;

const { seed, sample } = chance();
const { FAULT_ONLY = '' } = process.env;
/** In another order each time. */
const wantedOf = <T>(items: readonly T[], title: (item: T) => string) =>
  sample(items, items.length).filter((item) => title(item).includes(FAULT_ONLY));

const PARTS: Readonly<Record<string, Part>> = {
  async crash(stage, trial) {
    const model = await undisturbedLife(stage);
    const faults = wantedOf(faultsOf(model), titleOf);
    const ended = trial(faults.length);
    await liveThrough(stage, model, faults, { onEnd: (fault, { message }) => ended(titleOf(fault), message) });
  },
  async transitions(stage, trial) {
    const operator = stage.cluster.startOperator();
    const fresh = await freshPlatforms(stage, operator);
    const pairs = wantedOf(await legalPairs(stage, fresh), titleOfPair);
    await thereAndBack(stage, fresh, pairs, trial(pairs.length));
    await operator.kill();
  },
  async steady(stage, trial) {
    const first = stage.cluster.startOperator();
    await freshPlatforms(stage, first);
    await first.kill();
    const writes: Write[] = [];
    const kubeconfig = stage.cluster.operatorKubeconfig;
    const gate = await startApiGate({ kubeconfig, folder: dirname(kubeconfig), writes });
    // Lists everything anew, and remembers nothing of what it applied.
    const operator = stage.cluster.startOperator({}, undefined, { kubeconfig: gate.kubeconfig });
    const looks = STEADY_MS / STEADY_LOOK_MS;
    const ended = trial(looks);
    for (let look = 1; look <= looks; look++) {
      await delay(STEADY_LOOK_MS);
      const seen = writes.splice(0).map(({ id, namespace }) => `${id} in ${namespace}`);
      ended(`no write in ${(look * STEADY_LOOK_MS) / 1000} s`, seen.length > 0 ? seen.join('\n') : undefined);
    }
    await operator.kill();
    await gate.cut();
  },
}; // prettier-ignore

/** Those that need no API server. */
const STORE_PARTS: Readonly<Record<string, (trial: Trial) => Promise<void>>> = {
  async migrations(trial) {
    for (const start of [postgresStore, mongoStore]) {
      const store = await start();
      try {
        const model = await undisturbedMigration(store);
        const faults = wantedOf(faultsOfMigration(model), (fault) => `${store.engine}: ${titleOfRequest(fault)}`);
        const ended = trial(faults.length);
        let longestMs = 0;
        await migrateThroughAll(store, model, faults, (fault, { wrong, freeAfterMs = 0 }) => {
          longestMs = Math.max(longestMs, freeAfterMs);
          ended(`${store.engine}: ${titleOfRequest(fault)}`, wrong);
        });
        console.log(`${store.engine}: the lock of a killed Job was free after ${longestMs} ms at most`);
      } finally {
        await store.stop();
      }
    }
  },
};

const ALL = [...Object.keys(PARTS), ...Object.keys(STORE_PARTS)];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}. The parts are ${ALL.join(', ')}.`);
  process.exit(2);
}

const report = createProgress();
const tally = { passed: 0, failed: 0 };
await ensureTestTools(report);
console.log(`FAULT_SEED=${seed}`);
for (const name of ALL.filter((each) => wanted.length === 0 || wanted.includes(each))) await run(name);
console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;

async function run(name: string): Promise<void> {
  const step: Step = report.step(name);
  const failedBefore = tally.failed;
  let done = 0;
  const trial: Trial = (total) => {
    const before = done;
    return (title, wrong) => {
      tally[wrong ? 'failed' : 'passed']++;
      if (wrong) console.log(`✗ ${title} (FAULT_SEED=${seed})\n${wrong.replace(/^/gm, '    ')}`);
      step.update(`${++done - before} of ${total}: ${title}`, (done - before) / total);
    };
  };
  try {
    await (STORE_PARTS[name]?.(trial) ?? onStage((stage) => PARTS[name]?.(stage, trial)));
    step.done(`${done} tried, ${tally.failed - failedBefore} failed`);
  } catch (error) {
    tally.failed++;
    step.fail(error);
  }
}

/** A part has an API server of its own: what one leaves behind must not slow down the next. */
async function onStage(part: (stage: Stage) => Promise<void> | undefined): Promise<void> {
  const cluster = await startTestCluster();
  const world = await startWorld(cluster.client, LIMIT_MS);
  try {
    await part({ cluster, world });
  } finally {
    await world.stop();
    await cluster.stop();
  }
}
