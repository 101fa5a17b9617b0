/**
 * `npm run bench`: measures on a node of its own, prints, and removes the node. `npm run bench -- ready orders` runs the named ones only;
 * `--keep` leaves the node for the next time.
 */
import { parseArgs } from 'node:util';
import { createProgress } from '@orderplane/hack/progress.ts';
import { openCluster, type TestCluster } from '../e2e/harness/cluster.ts';
import { bringUpNode, releaseNode } from '../e2e/harness/prepare.ts';
import { benchOrders } from './orders.ts';
import { benchReady } from './ready.ts';

const BENCHMARKS: Readonly<Record<string, (cluster: TestCluster) => Promise<void>>> = {
  ready: benchReady,
  orders: benchOrders,
};
const NODE = 'bench';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !BENCHMARKS[name]);
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}. There are ${Object.keys(BENCHMARKS).join(', ')}.`);
  process.exit(2);
}

const report = createProgress();
const cluster = await openCluster(await bringUpNode(report, NODE));
try {
  for (const [name, run] of Object.entries(BENCHMARKS)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    console.log(`\n${name}`);
    await run(cluster);
  }
} finally {
  await cluster.close();
  if (!values.keep) await releaseNode(report, NODE);
}
