/** A person in a browser: sees the shop, orders without an account, watches the order until it is confirmed. */
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

  await page.getByRole('link', { name: 'Widget', exact: true }).click();
  await page.getByLabel('Quantity of Widget').fill('7');
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByRole('link', { name: 'Go to the cart' }).click();
  await page.getByRole('link', { name: 'Check out' }).click();
  await page.getByRole('button', { name: 'Place order' }).click();
  await page.getByRole('heading', { name: 'Your order is confirmed' }).waitFor();
  const id = page.url().slice(page.url().lastIndexOf('/') + 1);
  const query = 'query ($id: ID!) { order(id: $id) { productId qty status } }';
  const { order } = await graphqlData<{ order: unknown }>(await platform.gatewayUrl(), query, { id });
  expect(order).toEqual({ productId: 'p1', qty: 7, status: 'CONFIRMED' });

  // Nothing leads to what this platform does not run.
  expect(await page.getByRole('link', { name: 'Sign in' }).count()).toBe(0);
  await page.getByRole('link', { name: 'Orders', exact: true }).click();
  // The names of products come after the orders.
  const row = page.locator(`[data-order="${id}"]`, { hasText: '7 × Widget' });
  await row.waitFor();
  // The node has no TLS: the browser says that it leaves this header aside.
  expect(errors.filter((error) => !error.includes('Cross-Origin-Opener-Policy header has been ignored'))).toEqual([]);
});
