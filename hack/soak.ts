/**
 * `npm run soak`: what `npm test` takes samples of, in full. Every write of a platform's life crashed on both sides and with its answer lost,
 * every pair of specs there and back, ten minutes in which a steady operator must not write, two in which all is applied again as Argo CD does,
 * a migration that is killed or cut off at each of its requests, a seed of a million rows that is so at requests that chance picks, on both
 * engines, a million events through an outbox, and ten thousand sagas while each service, store and the broker are killed. Ends with
 * `N passed, N failed`. `npm run soak -- crash transitions steady synced migrations seeds outbox sagas` runs the named parts only; FAULT_SEED replays an order; FAULT_ONLY=text tries what has that text in its title, such as one fault
 * that failed.
 */
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { faultsOf, liveThrough, titleOf, undisturbedLife } from '@orderplane/operator/controllers/faults/scenario.ts';
import {
  freshPlatforms,
  legalPairs,
  syncAll,
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
import {
  CASES,
  SEED_FAULTS,
  seedFaultsOf,
  seedThrough,
  undisturbedSeed,
  type SeedFault,
} from '@orderplane/operator/jobs/faults/seed.ts';
import { mongoSeedStore, postgresSeedStore } from '@orderplane/operator/jobs/faults/seed-stores.ts';
import { mongoStore, postgresStore } from '@orderplane/operator/jobs/faults/stores.ts';
import type { Images } from '@orderplane/operator/resources/images.ts';
import { startFleet } from '@orderplane/gateway/order-flow/saga/fleet.ts';
import { OUTCOMES, runSagas } from '@orderplane/gateway/order-flow/saga/sagas.ts';
import { outboxStorm } from '@orderplane/shared/outbox/testing/storm.ts';
import { createProgress, type Step } from './progress.ts';
import { startPostgres } from './testing/postgres.ts';
import { serviceDatabase } from './testing/service-database.ts';
import { ensureTestTools } from './testing/tools.ts';

const OUTBOX_EVENTS = 1_000_000;
const SAGAS = 10_000;
const KILLS_OF_EACH = 20;
/** Fewer of an outcome than this show little of it. */
const ORDERS_OF_EACH_OUTCOME = 50;
const STEADY_MS = 10 * 60_000;
const SYNCED_MS = 2 * 60_000;
const LOOK_MS = 5_000;
/** A seed has too many requests for a fault at each: so many of each kind, mode and engine are tried. The stand-in for MongoDB is slow, the more so the larger a collection. */
const SEEDS_OF_A_KIND = 2;
const SEEDS = [
  { start: postgresSeedStore, rows: 1_000_000 },
  { start: mongoSeedStore, rows: 4_000 },
] as const;
/** A soak runs beside other work: what has not come true by then never will. */
const LIMIT_MS = 5 * 60_000;

/** Told how much is tried, then what was wrong with each. */
type Trial = (total: number) => (title: string, wrong: string | undefined) => void;
type Part = (stage: Stage, trial: Trial) => Promise<void>;

const { seed, sample, below } = chance();
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
    await withSteadyOperator(stage, {}, async (_, written) => {
      const ended = trial(STEADY_MS / LOOK_MS);
      for (let ms = LOOK_MS; ms <= STEADY_MS; ms += LOOK_MS) {
        await delay(LOOK_MS);
        ended(`no write in ${ms / 1000} s`, written());
      }
    });
  },
  async synced(stage, trial) {
    // Of another version than the one that made it all: that is no reason either.
    await withSteadyOperator(stage, { operator: 'registry.example/operator:next' }, async (fresh, written) => {
      const ended = trial(SYNCED_MS / LOOK_MS);
      for (let ms = LOOK_MS; ms <= SYNCED_MS; ms += LOOK_MS) {
        await delay(LOOK_MS);
        await syncAll(stage, fresh);
        ended(`no write while all is applied again, for ${ms / 1000} s`, written());
      }
    });
  },
}; // prettier-ignore

/**
 * Lets an operator that starts anew (it remembers nothing of what was applied) act on platforms that need nothing. `written` tells what it
 * has written since it was last asked.
 */
async function withSteadyOperator(
  stage: Stage,
  images: Partial<Images>,
  act: (fresh: Awaited<ReturnType<typeof freshPlatforms>>, written: () => string | undefined) => Promise<void>,
): Promise<void> {
  const first = stage.cluster.startOperator();
  const fresh = await freshPlatforms(stage, first);
  await first.kill();
  const writes: Write[] = [];
  const kubeconfig = stage.cluster.operatorKubeconfig;
  const gate = await startApiGate({ kubeconfig, folder: dirname(kubeconfig), writes });
  const operator = stage.cluster.startOperator(images, undefined, { kubeconfig: gate.kubeconfig });
  await act(fresh, () => {
    const seen = writes.splice(0).map(({ id, namespace }) => `${id} in ${namespace}`);
    return seen.length > 0 ? seen.join('\n') : undefined;
  });
  await operator.kill();
  await gate.cut();
}

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
  async seeds(trial) {
    for (const { start, rows } of SEEDS) {
      const store = await start();
      try {
        for (const kind of CASES) {
          const model = await undisturbedSeed(store, kind, rows);
          const titleOf = (fault: SeedFault) => `${store.engine}, ${rows} rows, ${kind}: ${titleOfRequest(fault)}`;
          const all = wantedOf(seedFaultsOf(model), titleOf);
          const faults = SEED_FAULTS.flatMap((each) =>
            all.filter((fault) => fault.kind === each).slice(0, SEEDS_OF_A_KIND),
          );
          const ended = trial(faults.length);
          for (const fault of faults) ended(titleOf(fault), await seedThrough(model, fault).catch(String));
        }
      } finally {
        await store.stop();
      }
    }
  },
  async outbox(trial) {
    const ended = trial(1);
    const postgres = await startPostgres();
    try {
      const uri = await serviceDatabase(postgres, 'orders');
      const { committed, aborted, idled, ...faults } = await outboxStorm({ uri, events: OUTBOX_EVENTS, below });
      const isWrong = committed !== OUTBOX_EVENTS || Object.values(faults).some((count) => count > 0);
      const title = `${committed} events, ${aborted} transactions aborted, ${idled} idle`;
      console.log(`outbox: ${title}: ${JSON.stringify(faults)}`);
      ended(title, isWrong ? JSON.stringify(faults) : undefined);
    } finally {
      await postgres.stop();
    }
  },
  async sagas(trial) {
    const ended = trial(2);
    const fleet = await startFleet();
    try {
      const report = (placed: number) => placed % 500 === 0 && console.log(`sagas: ${placed} orders placed`);
      const run = { sagas: SAGAS, below, customers: 32, killEveryMs: 3000, killsOfEach: KILLS_OF_EACH, report };
      const { faults, outcomes, kills, quietAfterMs } = await runSagas(fleet, run);
      console.log(`sagas: ${JSON.stringify({ outcomes, kills, quietAfterMs })}`);
      ended(`the books of ${SAGAS} sagas`, faults.join('\n') || undefined);
      const rare = OUTCOMES.filter((outcome) => (outcomes[outcome] ?? 0) < ORDERS_OF_EACH_OUTCOME);
      ended('every outcome, often enough', rare.length > 0 ? `too rare: ${rare.join(', ')}` : undefined);
    } finally {
      await fleet.stop();
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
