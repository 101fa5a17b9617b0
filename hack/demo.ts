/**
 * `npm run demo`: a local cluster, the operator, examples/ultralight, and an order that was placed and seen.
 * `npm run demo -- --context NAME` uses a cluster that is there instead.
 */
import { parseArgs } from 'node:util';
import { contextProvider, embeddedProvider } from './cluster/index.ts';
import { bringUpExample, bringUpOperator, FORWARDS } from './deploy/local.ts';
import { placeOrder } from './deploy/platform.ts';
import { createProgress } from './progress.ts';

const { values } = parseArgs({ options: { context: { type: 'string' } } });
const started = performance.now();
const interrupted = new AbortController();
process.once('SIGINT', () => {
  console.error(
    '\nStopped. What is done so far is kept: run the same command again to go on, or `npm run down` to remove it.',
  );
  process.exit(130);
});

try {
  const report = createProgress();
  const provider = values.context === undefined ? embeddedProvider() : contextProvider(values.context);
  const { cluster, client } = await bringUpOperator(provider, report, {
    forwards: FORWARDS,
    signal: interrupted.signal,
  });
  await bringUpExample(client, 'examples/ultralight', report);
  if (provider.name === 'embedded') {
    const order = await placeOrder('http://localhost:8080/graphql', { productId: 'p1', qty: 1 }, report);
    console.log(`
  order        ${order.id}: ${order.qty} × ${order.productId}, in the read model ${order.visibleAfterMs} ms after the answer
  storefront   http://localhost:3000
  GraphQL      http://localhost:8080/graphql`);
  }
  console.log(`  kubectl      kubectl --context ${cluster.context} -n shop get orderplatform shop
  remove       npm run down

Ready in ${Math.round((performance.now() - started) / 1000)} s.`);
  await client.close();
} catch (error) {
  console.error(`\nThe demo did not get through: ${error instanceof Error ? error.message : String(error)}`);
  console.error(
    'Run the same command again to go on from here; `npm run orderplane -- check --pre` tells what the machine lacks.',
  );
  process.exitCode = 1;
}
