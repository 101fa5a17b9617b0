/** The shop in a browser before the smallest platform, which takes orders of anybody; and what it does when its gateway is in trouble. */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { isDeepStrictEqual } from 'node:util';
import { eventually } from '@orderplane/gateway/order-flow/platform.ts';
import { startCollector } from '@orderplane/gateway/testing/collector.ts';
import { samplesOf, scrape } from '@orderplane/gateway/testing/prometheus.ts';
import { ENDPOINTS } from './telemetry/endpoint.ts';
import { type ShopFront, startShopFront } from './testing/shop-front.ts';
import { stopStandalone } from './testing/standalone.ts';
import { checkOut, DESKTOP, faultsOf, PHONE, putIntoCart, visit, type Visitor } from './testing/visits.ts';

let shop: ShopFront;
let visitor: Visitor;

jest.setTimeout(60_000);

beforeAll(async () => {
  shop = await startShopFront('smallest platform');
}, 600_000);

beforeEach(async () => {
  shop.gateway.mood = 'well';
  shop.gateway.release();
  await shop.gateway.resume();
  shop.gateway.requests.length = 0;
  visitor = await visit(shop.browser, shop.url);
});
afterEach(() => visitor.leave());

afterAll(() => shop?.stop(), 60_000);

const placed = () => shop.gateway.requests.filter(({ name }) => name === 'POST /api/v1/orders');
const confirmed = () => visitor.page.getByRole('heading', { name: 'Your order is confirmed' }).waitFor();

describe('without accounts and payments', () => {
  test('anybody orders, and sees the order confirmed, then in the list', async () => {
    const { page, errors, goTo } = visitor;
    await goTo('/');
    await page.getByRole('link', { name: 'Widget' }).click();
    await page.getByRole('button', { name: 'One Widget more' }).click();
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await page.getByRole('link', { name: 'Go to the cart' }).click();
    await page.getByRole('link', { name: 'Check out' }).click();
    await page.getByText('3.98').first().waitFor();
    expect(await page.getByText('How would you like to pay?').count()).toBe(0);
    await page.getByRole('button', { name: 'Place order' }).click();
    await confirmed();
    expect(await page.locator('.timeline .step-name').allTextContents()).toEqual(['Placed: done', 'Confirmed: done']);
    expect(JSON.parse(placed()[0]!.body)).toEqual({ lines: [{ productId: 'p1', qty: 2 }] });
    await page.getByRole('link', { name: 'Orders', exact: true }).click();
    await page.getByRole('heading', { name: 'Recent orders' }).waitFor();
    await page.getByRole('listitem').filter({ hasText: '2 × Widget' }).filter({ hasText: 'Confirmed' }).waitFor();
    expect(errors).toEqual([]);
  });

  test('nothing leads to what the platform does not run', async () => {
    const { page, goTo } = visitor;
    await goTo('/');
    expect(await page.getByRole('banner').getByRole('link').allInnerTexts()).toEqual([
      'Orderplane shop',
      'Orders',
      'Cart',
    ]);
    for (const path of ['/sign-in', '/register', '/account']) {
      await goTo(path);
      await page.getByText('This shop has no accounts').waitFor();
    }
  });

  test.each([
    ['a desktop', DESKTOP],
    ['a phone', PHONE],
  ])('on %s its pages fit, are accessible, and leave the console empty', async (_name, viewport) => {
    await visitor.leave();
    visitor = await visit(shop.browser, shop.url, { viewport });
    await putIntoCart(visitor, 'p1');
    await checkOut(visitor);
    await confirmed();
    expect(await faultsOf(visitor.page)).toEqual([]);
    await visitor.goTo('/orders');
    await visitor.page.getByRole('listitem').first().waitFor();
    expect(await faultsOf(visitor.page)).toEqual([]);
    expect(visitor.errors).toEqual([]);
  });
});

describe('an order', () => {
  test('whose answer was lost is sent again, and counts once', async () => {
    const { page, goTo } = visitor;
    await putIntoCart(visitor, 'p1');
    await goTo('/checkout');
    const order = page.getByRole('button', { name: 'Place order' });
    await order.waitFor();
    const before = await shop.stores.countEvents();
    shop.gateway.mood = 'cutting';
    await order.click();
    await page.getByRole('alert').filter({ hasText: 'may not have arrived' }).waitFor();
    shop.gateway.mood = 'well';
    // Also by a page that was loaded anew in between.
    await page.reload();
    await order.click();
    await confirmed();
    const keys = placed().map(({ headers }) => headers['idempotency-key']);
    expect(keys).toEqual([expect.any(String), keys[0]]);
    expect(await shop.stores.countEvents()).toBe(before + 2);
  });

  test('is placed once by a double click', async () => {
    const { page, goTo } = visitor;
    await putIntoCart(visitor, 'p1');
    await goTo('/checkout');
    await page.getByRole('button', { name: 'Place order' }).dblclick();
    await confirmed();
    expect(placed()).toHaveLength(1);
  });

  test('is of a whole number within bounds', async () => {
    const { page, goTo } = visitor;
    await goTo('/products/p1');
    for (const [typed, refusal] of [
      ['0', 'at least 1'],
      ['10001', 'at most 10000'],
      ['1.5', 'whole number'],
    ] as const) {
      await page.getByLabel('Quantity of Widget').fill(typed);
      await page.getByRole('button', { name: 'Add to cart' }).click();
      await page.getByRole('alert').filter({ hasText: refusal }).waitFor();
    }
    expect(await page.getByRole('link', { name: /^Cart/ }).innerText()).toBe('Cart');
  });

  test('is shown as placed, and found by itself, while the gateway is away', async () => {
    const { page } = visitor;
    await putIntoCart(visitor, 'p1');
    await visitor.goTo('/checkout');
    const order = page.getByRole('button', { name: 'Place order' });
    await order.waitFor();
    shop.gateway.mood = 'deaf';
    const arrived = shop.gateway.nextRequest('POST /api/v1/orders');
    await order.click();
    await arrived;
    shop.gateway.release();
    await page.getByRole('heading', { name: 'Your order is placed' }).waitFor();
    shop.gateway.mood = 'well';
    shop.gateway.release();
    await confirmed();
  });
});

describe('a gateway in trouble', () => {
  test('down: the page answers 200, says so, and fills by itself when it is back', async () => {
    const { page } = visitor;
    await shop.gateway.stop();
    const answer = await page.goto(shop.url);
    expect(answer?.status()).toBe(200);
    await page.getByText('The gateway cannot be reached').waitFor();
    await shop.gateway.resume();
    await page.getByRole('link', { name: 'Widget' }).waitFor();
    await page.getByText('The gateway cannot be reached').waitFor({ state: 'detached' });
  });

  test('silent: the page answers all the same and shows that it is loading', async () => {
    const { page } = visitor;
    shop.gateway.mood = 'deaf';
    const answer = await page.goto(shop.url);
    expect(answer?.status()).toBe(200);
    await page.getByText('Loading products').waitFor({ state: 'attached' });
    shop.gateway.mood = 'well';
    shop.gateway.release();
    await page.getByRole('link', { name: 'Widget' }).waitFor();
  });

  test('babbling: the page says that no answer makes sense', async () => {
    shop.gateway.mood = 'babbling';
    await visitor.goTo('/');
    await visitor.page.getByText('The gateway gave no usable answer').waitFor();
  });

  test('a product that there is not is a page of its own, with 404', async () => {
    const answer = await visitor.page.goto(`${shop.url}/products/nope`);
    expect(answer?.status()).toBe(404);
    await visitor.page.getByText('There is nothing here').waitFor();
  });
});

describe('the backend', () => {
  test.each([
    ['GET', 'api/auth/refresh', 404],
    ['POST', 'api/auth/login', 404],
    ['GET', 'api/health', 404],
    // One segment, which is no id of an order.
    ['GET', 'api/orders/..%2f..%2fhealth', 400],
    ['DELETE', 'api/orders', 405],
    ['GET', 'products?id=p1', 200],
  ])('answers %s %s with %d', async (method, path, status) => {
    const answer = await fetch(`${shop.url}/backend/${path}`, { method, headers: { origin: shop.url } });
    expect(answer.status).toBe(status);
  });

  test("tells the gateway the visitor's address, and no cookie", async () => {
    await fetch(`${shop.url}/backend/api/inventory/categories`, {
      headers: { 'x-forwarded-for': '192.0.2.7', cookie: 'shop_access=abc', authorization: 'Bearer def' },
    });
    const { headers } = shop.gateway.requests.at(-1)!;
    expect(headers).toMatchObject({ 'x-forwarded-for': '192.0.2.7' });
    expect(headers).not.toHaveProperty('cookie');
    expect(headers).not.toHaveProperty('authorization');
  });

  test('only scripts with the nonce of this very answer may run', async () => {
    const policyOf = async () => (await fetch(shop.url)).headers.get('content-security-policy');
    const policies = [await policyOf(), await policyOf()];
    expect(policies[0]).toMatch(/script-src 'self' 'nonce-[^']+' 'strict-dynamic';/);
    expect(policies[0]).not.toBe(policies[1]);
    await visitor.goTo('/nowhere');
    await visitor.page.getByText('There is nothing here').waitFor();
    expect(visitor.errors.filter((error) => !error.includes('404'))).toEqual([]);
  });
});

describe('the process', () => {
  test.each([
    ['an address that is missing', { NEXT_PUBLIC_GRAPHQL_URL: '' }, 'NEXT_PUBLIC_GRAPHQL_URL is not set'],
    [
      'an address that is none',
      { NEXT_PUBLIC_GRAPHQL_URL: 'shop-gateway:8080' },
      'NEXT_PUBLIC_GRAPHQL_URL is \\"shop-gateway:8080\\"',
    ],
    ['a collector that is none', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }, 'OTEL_EXPORTER_OTLP_ENDPOINT: must be'],
  ])('does not start with %s, and says what to set', async (_name, environment, message) => {
    const ended = await shop.startServer(environment);
    expect(ended.process.exitCode).toBe(1);
    expect(ended.output()).toContain(message);
  });

  test('finishes what it was asked before it ends on SIGTERM', async () => {
    const leaving = await shop.startServer();
    shop.gateway.mood = 'deaf';
    const asked = shop.gateway.nextRequest('GET /api/v1/inventory/products/p1');
    const answer = fetch(`${leaving.url}/backend/api/inventory/products/p1`);
    await asked;
    const closed = once(leaving.process, 'close');
    leaving.process.kill('SIGTERM');
    await refused(leaving.url);
    shop.gateway.release();
    expect(await (await answer).json()).toMatchObject({ id: 'p1', name: 'Widget' });
    await closed;
  });

  test('goes on serving for the drain delay, not ready any more, to those who have not heard that it ends', async () => {
    const leaving = await shop.startServer({ DRAIN_DELAY_MS: '2000' });
    const closed = once(leaving.process, 'close');
    leaving.process.kill('SIGTERM');
    await eventually(
      () => fetch(`http://127.0.0.1:${leaving.managementPort}/readyz`),
      ({ status }) => status === 503,
    );
    expect(await fetch(`${leaving.url}/icon.svg`, { headers: { connection: 'close' } })).toMatchObject({ status: 200 });
    await refused(leaving.url);
    await closed;
  });
});

describe('what it tells of itself', () => {
  const requests = async () => samplesOf(await scrape(shop.server), 'http_requests_total');

  test('counts requests by route, status and method, and never by path', async () => {
    const asked = { method: 'GET', endpoint: '/products/:id', status_code: '404', service: 'storefront' };
    const count = async () => (await requests()).find(({ labels }) => isDeepStrictEqual(labels, asked))?.value ?? 0;
    const before = await count();
    for (const path of ['/secret', '/products/none', '/products/none?of=these']) await fetch(shop.url + path);
    await eventually(count, (now) => now === before + 2);
    const endpoints = new Set((await requests()).map(({ labels }) => labels.endpoint));
    expect([...endpoints].filter((endpoint) => ![...ENDPOINTS, 'static', 'unknown'].includes(endpoint!))).toEqual([]);
    expect(endpoints).toContain('unknown');
  });

  test('is alive and ready at its management port', async () => {
    for (const path of ['livez', 'readyz']) {
      expect(await fetch(`http://127.0.0.1:${shop.server.managementPort}/${path}`)).toMatchObject({ status: 200 });
    }
  });

  test('what the gateway does is a part of its trace, and its log lines have the ids', async () => {
    await using stack = new AsyncDisposableStack();
    const collector = await startCollector();
    stack.defer(() => collector.stop());
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, LOG_LEVEL: 'DEBUG' };
    const server = await shop.startServer(env);
    stack.defer(() => stopStandalone(server));
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, 'x-correlation-id': 'a-visit' };
    await fetch(`${server.url}/products/p1`, { headers });
    await fetch(`${server.url}/icon.svg`, { headers });

    const asked = shop.gateway.requests.findLast(({ name }) => name === 'GET /api/v1/inventory/products/p1');
    const [, sentTrace, parent] = asked?.headers.traceparent?.toString().split('-') ?? [];
    expect(asked?.headers).toMatchObject({ 'x-correlation-id': 'a-visit', 'x-request-id': expect.any(String) });
    await stopStandalone(server);
    const lines = server.output().split('\n').filter((line) => line.startsWith('{')); // prettier-ignore
    const answered = lines.map((line) => JSON.parse(line)).find(({ endpoint }) => endpoint === '/products/:id');
    expect(answered).toMatchObject({
      service: 'storefront',
      msg: 'answered',
      correlationId: 'a-visit',
      requestId: asked?.headers['x-request-id'],
      traceId,
      status_code: '200',
    });
    expect(collector.spans.map(({ service, name }) => [service, name])).toEqual([['storefront', 'GET /products/:id']]);
    expect(collector.spans[0]).toMatchObject({
      traceId,
      spanId: parent,
      parentSpanId: '00f067aa0ba902b7',
      failed: false,
    });
    expect(sentTrace).toBe(traceId);
  });
});

/** Resolves once nobody listens any more. */
async function refused(url: string): Promise<void> {
  for (let answer: unknown = true; answer;) answer = await fetch(`${url}/icon.svg`).catch(() => undefined);
}
