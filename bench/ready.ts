/** From `kubectl apply` of a fresh examples/ultralight to Ready, on a node that has the images. */
import type { TestCluster } from '../e2e/harness/cluster.ts';
import { applyUltralight, testNamespace } from '../e2e/harness/platform.ts';
import { figureLine } from './figures.ts';

const RUNS = 3;

export async function benchReady(cluster: TestCluster): Promise<void> {
  const seconds: number[] = [];
  for (let run = 1; run <= RUNS; run++) {
    const namespace = await testNamespace(cluster, 'ready');
    const started = performance.now();
    const platform = await applyUltralight(cluster, { namespace, name: 'shop' });
    await platform.waitReady();
    seconds.push((performance.now() - started) / 1000);
    await cluster.dropNamespace(namespace);
    await cluster.settled();
  }
  const each = seconds.map((value) => `${value.toFixed(1)} s`).join('  ');
  console.log(figureLine('apply → Ready, a fresh platform each time', each));
}
