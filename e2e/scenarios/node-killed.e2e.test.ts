/** kill -9 of a whole node with a platform on it, as a power cut does it, and the same command again. */
import { afterAll, expect, test } from '@jest/globals';
import { clusterLayout } from '@orderplane/hack/cluster/layout.ts';
import { currentState } from '@orderplane/hack/cluster/status.ts';
import { silentProgress } from '@orderplane/hack/progress.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { eventually } from '../harness/eventually.ts';
import { createOrder } from '../harness/graphql.ts';
import { documentsPerOrder } from '../harness/orders.ts';
import { applyUltralight, testNamespace } from '../harness/platform.ts';
import { bringUpNode, releaseNode } from '../harness/prepare.ts';
import { connectMongo } from '../harness/stores.ts';

/** A node of its own: the other scenarios count restarts on theirs. */
const NODE = 'e2e-killed';
const KILLS = 3;

const cluster = await openCluster(await bringUpNode(silentProgress, NODE));

afterAll(async () => {
  await cluster.close();
  await releaseNode(silentProgress, NODE);
});

async function killNode(): Promise<void> {
  const state = await currentState(clusterLayout(NODE));
  if (!state?.nodePid) throw new Error('the node does not run');
  // The daemon first, or it would start the node again by itself.
  process.kill(state.daemonPid, 'SIGKILL');
  process.kill(state.nodePid, 'SIGKILL');
}

test('a node that is killed again and again comes back with its platform, and with every order that was answered', async () => {
  const platform = await applyUltralight(cluster, { namespace: await testNamespace(cluster, 'killed'), name: 'shop' });
  await platform.waitReady();
  const gateway = await platform.gatewayUrl();
  const answered: string[] = [];
  const order = async () => answered.push((await createOrder(gateway, 'p1', 1)).id);
  await order();

  for (let kill = 1; kill <= KILLS; kill++) {
    await killNode();
    const killed = performance.now();
    await bringUpNode(silentProgress, NODE);
    await eventually(order, { timeoutMs: 60_000, what: `an order after kill ${kill}` });
    figure(`kill -9 of the node → an order is answered`, `${((performance.now() - killed) / 1000).toFixed(1)} s`);
    await using mongo = await connectMongo(platform);
    const documents = await documentsPerOrder(mongo, answered, 60_000);
    expect([...documents.values()]).toEqual(answered.map(() => 1));
    await platform.waitReady(60_000);
  }
}, 300_000);
