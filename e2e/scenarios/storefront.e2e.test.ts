/** A person in a browser: sees the shop, orders, watches the order arrive. */
import { afterAll, expect, test } from '@jest/globals';
import { launchBrowser, watchForErrors } from '../harness/browser.ts';
import { openCluster } from '../harness/cluster.ts';
import { graphqlData } from '../harness/graphql.ts';
import { sharedPlatform } from '../harness/platform.ts';

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'calm');
const browser = await launchBrowser();

afterAll(async () => {
  await browser.close();
  await cluster.close();
});

test('the storefront sells a Widget and shows the order once the read model has it', async () => {
  const page = await browser.newPage({ reducedMotion: 'reduce' });
  page.setDefaultTimeout(20_000);
  const errors = watchForErrors(page);
  await page.goto(await platform.storefrontUrl());

  await page.getByLabel('Quantity of Widget').fill('7');
  await page.getByRole('button', { name: 'Order', exact: true }).click();
  const tracked = page.getByRole('article', { name: '7 × Widget' });
  await tracked.getByText('Sent to seen').waitFor();
  const row = page.getByRole('region', { name: 'Recent orders' }).locator('li.fresh');
  await row.waitFor();
  expect(await row.innerText()).toContain('7 × Widget');

  const id = await row.getAttribute('data-order');
  const query = 'query ($id: ID!) { order(id: $id) { productId qty } }';
  const { order } = await graphqlData<{ order: unknown }>(await platform.gatewayUrl(), query, { id });
  expect(order).toEqual({ productId: 'p1', qty: 7 });
  // The node has no TLS: the browser says that it leaves this header aside.
  expect(errors.filter((error) => !error.includes('Cross-Origin-Opener-Policy header has been ignored'))).toEqual([]);
});
