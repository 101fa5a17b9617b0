/**
 * `npm run bench`: measures, prints, and removes what it measured on. `npm run bench -- ready orders` runs the named ones only. Some run on a
 * node, which `--keep` leaves for the next time.
 */
import { parseArgs } from 'node:util';
import { createProgress } from '@orderplane/hack/progress.ts';
import { openCluster, type TestCluster } from '../e2e/harness/cluster.ts';
import { bringUpNode, releaseNode } from '../e2e/harness/prepare.ts';
import { benchCommands } from './commands.ts';
import { benchGateway } from './gateway.ts';
import { benchLogins } from './logins.ts';
import { benchMigrations } from './migrations.ts';
import { benchOrders } from './orders.ts';
import { benchPlatforms } from './platforms.ts';
import { benchReadModel } from './read-model.ts';
import { benchReady } from './ready.ts';
import { benchSeeds } from './seeds.ts';
import { benchServices } from './services.ts';

const report = createProgress();

/** On servers of their own, without a node. */
const WITHOUT_NODE: Readonly<Record<string, () => Promise<void>>> = {
  platforms: () => benchPlatforms(report),
  migrations: () => benchMigrations(report),
  seeds: () => benchSeeds(report),
  logins: benchLogins,
  gateway: () => benchGateway(report),
  commands: benchCommands,
  'read-model': benchReadModel,
  services: () => benchServices(report),
};
const ON_NODE: Readonly<Record<string, (cluster: TestCluster) => Promise<void>>> = {
  ready: benchReady,
  orders: benchOrders,
};
const ALL = Object.keys({ ...WITHOUT_NODE, ...ON_NODE });
const NODE = 'bench';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}. There are ${ALL.join(', ')}.`);
  process.exit(2);
}
const chosen = <T>(benchmarks: Readonly<Record<string, T>>) =>
  Object.entries(benchmarks).filter(([name]) => positionals.length === 0 || positionals.includes(name));

for (const [name, run] of chosen(WITHOUT_NODE)) {
  console.log(`\n${name}`);
  await run();
}
if (chosen(ON_NODE).length > 0) {
  const cluster = await openCluster(await bringUpNode(report, NODE));
  try {
    for (const [name, run] of chosen(ON_NODE)) {
      console.log(`\n${name}`);
      await run(cluster);
    }
  } finally {
    await cluster.close();
    if (!values.keep) await releaseNode(report, NODE);
  }
}
