import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, watchForErrors } from '../../e2e/harness/browser.ts';
import { type GatewayFixture, startGatewayFixture } from './testing/gateway-fixture.ts';
import { installBundle, type Standalone, startStandalone, stopStandalone } from './testing/standalone.ts';

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };

let bundle: Awaited<ReturnType<typeof installBundle>>;
let browser: Browser;
let gateway: GatewayFixture;
let shop: Standalone;
let page: Page;
let errors: string[];

jest.setTimeout(60_000);

beforeAll(async () => {
  [bundle, browser, gateway] = await Promise.all([installBundle(), launchBrowser(), startGatewayFixture()]);
  shop = await startStandalone(bundle.directory, { NEXT_PUBLIC_GRAPHQL_URL: gateway.url });
}, 300_000);

beforeEach(async () => {
  const products = [{ id: 'p1', name: 'Widget', price: 199 }];
  Object.assign(gateway, { products, readModel: [], accepted: [], requests: [], mood: 'well', delivery: 'automatic' });
  await gateway.resume();
  await visit(DESKTOP);
});

afterEach(() => page.context().close());

afterAll(async () => {
  await stopStandalone(shop);
  await browser.close();
  await gateway.stop();
  await bundle.remove();
});

async function visit(
  viewport: { width: number; height: number },
  colorScheme: 'light' | 'dark' = 'light',
): Promise<void> {
  await page?.context().close();
  page = await browser.newPage({ viewport, colorScheme, reducedMotion: 'reduce' });
  page.setDefaultTimeout(10_000);
  errors = watchForErrors(page);
  await page.goto(shop.url);
}

const orderButton = () => page.getByRole('button', { name: 'Order', exact: true });
const recentOrders = () => page.getByRole('region', { name: 'Recent orders' });

describe('ordering', () => {
  test('shows an order as accepted, then as seen once the read model has it', async () => {
    gateway.delivery = 'manual';
    await page.getByRole('button', { name: 'One Widget more' }).click();
    await page.getByLabel('Quantity of Widget').press('Enter');

    const tracked = page.getByRole('article', { name: '2 × Widget' });
    await tracked.locator('li[data-state=done]', { hasText: 'Accepted' }).waitFor();
    expect(await tracked.locator('li[data-state=active]').innerText()).toContain('In the read model');
    expect(await recentOrders().innerText()).toContain('No orders yet');
    expect(gateway.accepted).toMatchObject([{ productId: 'p1', qty: 2 }]);

    gateway.deliver();
    await tracked.getByText('Sent to seen').waitFor();
    expect(await tracked.locator('.total').innerText()).toMatch(/\d+ ms/);
    expect(await tracked.locator('.card-title').innerText()).toContain('3.98');
    await page
      .getByRole('status')
      .filter({ hasText: /in the read model after \d+ milliseconds/ })
      .waitFor({ state: 'attached' });
    await recentOrders().getByText('2 × Widget').waitFor();
    expect(await recentOrders().innerText()).toMatch(/seen after \d+ ms/);
    expect(errors).toEqual([]);
  });

  test('keeps following an order while the gateway is away', async () => {
    gateway.delivery = 'manual';
    await orderButton().click();
    await page.locator('li[data-state=done]', { hasText: 'Accepted' }).waitFor();
    const failed = page.waitForResponse((response) => response.status() === 502);
    await gateway.stop();
    await failed;
    gateway.deliver();
    await gateway.resume();
    await page.getByText('Sent to seen').waitFor();
  });

  test('says why the gateway refused an order', async () => {
    gateway.products = [];
    await orderButton().click();
    const notice = page.getByRole('alert').filter({ hasText: 'no longer sold' });
    await notice.waitFor();
    await notice.getByRole('button', { name: 'Dismiss' }).click();
    await notice.waitFor({ state: 'detached' });
  });

  test('sends an order again whose answer was lost, and it counts once', async () => {
    gateway.mood = 'cutting';
    await orderButton().click();
    const notice = page.getByRole('alert').filter({ hasText: 'may not have arrived' });
    await notice.waitFor();
    gateway.mood = 'well';
    await notice.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('Sent to seen').waitFor();
    expect(gateway.requests.filter(({ operation }) => operation === 'CreateOrder')).toHaveLength(2);
    expect(gateway.readModel).toHaveLength(1);
  });

  test('does not send a quantity that is no whole number within bounds', async () => {
    for (const [typed, refusal] of [
      ['0', 'at least 1'],
      ['10001', 'at most 10000'],
      ['1.5', 'whole number'],
    ] as const) {
      await page.getByLabel('Quantity of Widget').fill(typed);
      await orderButton().click();
      await page.getByRole('alert').filter({ hasText: refusal }).waitFor();
    }
    expect(gateway.requests.map(({ operation }) => operation)).not.toContain('CreateOrder');
  });
});

describe('a gateway in trouble', () => {
  test('down: the page answers 200, says so, and fills by itself when it is back', async () => {
    await gateway.stop();
    const answer = await page.goto(shop.url);
    expect(answer?.status()).toBe(200);
    await page.getByRole('region', { name: 'Products' }).getByText('The gateway cannot be reached').waitFor();
    await gateway.resume();
    await page.getByRole('heading', { name: 'Widget' }).waitFor();
    await page.getByText('The gateway cannot be reached').first().waitFor({ state: 'detached' });
  });

  test('silent: the page answers all the same and shows that it is loading', async () => {
    gateway.mood = 'deaf';
    const answer = await page.goto(shop.url);
    expect(answer?.status()).toBe(200);
    await page.getByText('Loading products').waitFor({ state: 'attached' });
    gateway.mood = 'well';
    gateway.release();
    await page.getByRole('heading', { name: 'Widget' }).waitFor();
  });

  test('without products: the page says what to do', async () => {
    gateway.products = [];
    await page.goto(shop.url);
    await page.getByText('No products yet').waitFor();
  });
});

describe('for everybody', () => {
  const views = [
    ['desktop, light', DESKTOP, 'light'],
    ['desktop, dark', DESKTOP, 'dark'],
    ['phone, light', PHONE, 'light'],
    ['phone, dark', PHONE, 'dark'],
  ] as const;

  test.each(views)('%s: fits, and breaks no rule of WCAG 2.2 AA', async (_name, viewport, colorScheme) => {
    gateway.products.push({ id: 'p2', name: 'Donaudampfschifffahrtsgesellschaftskapitän', price: 123_456_789 });
    await visit(viewport, colorScheme);
    await orderButton().first().click();
    await page.getByText('Sent to seen').waitFor();
    await recentOrders().getByText('1 × Widget').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width);
    expect(await page.evaluate(`document.querySelector('.total').getBoundingClientRect().bottom <= innerHeight`)).toBe(
      true,
    );
    expect(await violations(page)).toEqual([]);
    expect(errors).toEqual([]);
  });

  test('a keyboard is enough to order', async () => {
    const focused = () => page.evaluate('document.activeElement.textContent');
    for (let presses = 0; (await focused()) !== 'Order' && presses < 10; presses++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Sent to seen').waitFor();
  });

  test('only scripts with the nonce of this very answer may run', async () => {
    const policies = await Promise.all([fetch(shop.url), fetch(shop.url)].map(async (answer) => (await answer).headers.get('content-security-policy'))); // prettier-ignore
    expect(policies[0]).toMatch(/script-src 'self' 'nonce-[^']+' 'strict-dynamic';/);
    expect(policies[0]).not.toBe(policies[1]);
    await page.goto(`${shop.url}/nowhere`);
    await page.getByText('There is nothing here').waitFor();
    expect(errors.filter((error) => !error.includes('404'))).toEqual([]);
  });
});

describe('the process', () => {
  test.each([
    ['missing', {}, 'NEXT_PUBLIC_GRAPHQL_URL is not set'],
    [
      'no address',
      { NEXT_PUBLIC_GRAPHQL_URL: 'shop-gateway:8080' },
      'NEXT_PUBLIC_GRAPHQL_URL is \\"shop-gateway:8080\\"',
    ],
  ])('does not start when its address is %s, and says what to set', async (_name, environment, message) => {
    const ended = await startStandalone(bundle.directory, environment as Record<string, string>);
    expect(ended.process.exitCode).toBe(1);
    expect(ended.output()).toContain(message);
  });

  test('finishes what it was asked before it ends on SIGTERM', async () => {
    const leaving = await startStandalone(bundle.directory, { NEXT_PUBLIC_GRAPHQL_URL: gateway.url });
    gateway.mood = 'deaf';
    const asked = gateway.nextRequest('Leaving');
    const body = JSON.stringify({ operationName: 'Leaving', query: 'query Leaving { products { id } }' });
    const headers = { 'content-type': 'application/json' };
    const answer = fetch(`${leaving.url}/graphql`, { method: 'POST', headers, body });
    await asked;
    const closed = once(leaving.process, 'close');
    leaving.process.kill('SIGTERM');
    await refused(leaving.url);
    gateway.release();
    expect(await (await answer).json()).toEqual({ data: { products: [{ id: 'p1' }] } });
    await closed;
  });
});

/** Resolves once nobody listens any more. */
async function refused(url: string): Promise<void> {
  for (let answer: unknown = true; answer;) answer = await fetch(`${url}/icon.svg`).catch(() => undefined);
}

/** The page's violations of WCAG 2.2 AA, as axe finds them. */
async function violations(subject: Page): Promise<string[]> {
  await subject.evaluate(axe.source);
  const found = (await subject.evaluate(
    `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`,
  )) as axe.AxeResults;
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`);
}
