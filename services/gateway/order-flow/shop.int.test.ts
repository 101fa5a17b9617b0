import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { send, type Received, type Sent } from '../testing/gateway.ts';
import { operatorToken } from '../testing/tokens.ts';
import { eventually, startPlatform, startShopStores, startStores, type Stores, type TestPlatform } from './platform.ts';

let stores: Stores;
let platform: TestPlatform;

beforeAll(async () => {
  stores = await startStores();
  platform = await startPlatform(stores, await startShopStores(stores));
}, 600_000);
afterAll(async () => {
  await platform?.stop();
  await stores?.stop();
}, 60_000);

const call = (method: string, path: string, options: Sent = {}) =>
  send(platform.gatewayUrl, method, `/api/v1${path}`, options);
const password = 'correct horse battery staple';

/** The token of a new customer, who registered and then logged in. */
async function customer(name: string): Promise<string> {
  const email = `${name}@example.com`;
  expect(await call('POST', '/auth/register', { body: { email, password, name } })).toMatchObject({ status: 201 });
  const login = await call('POST', '/auth/login', { body: { email, password } });
  return login.body.tokens.accessToken;
}

const until = (path: string, token: string, isIt: (answer: Received) => boolean) =>
  eventually(() => call('GET', path, { token }), isIt);

describe('a customer', () => {
  test('orders with a payment, sees the order confirmed, and gets the money back by a refund', async () => {
    const token = await customer('ada');
    const lines = [{ productId: 'p1', qty: 2 }];
    const placed = await call('POST', '/orders', {
      token,
      body: { lines, payment: { method: 'CREDIT_CARD', token: 'tok_ok' } },
      headers: { 'idempotency-key': 'ada-1' },
    });
    expect(placed).toMatchObject({ status: 201, body: { lines, total: 398, status: 'PENDING' } });
    const { id } = placed.body;
    const confirmed = await until(`/orders/${id}`, token, ({ body }) => body.status === 'CONFIRMED');
    expect(confirmed.body).toMatchObject({ id, lines: [{ productId: 'p1', qty: 2, price: 199 }], total: 398 });

    const paid = await until(`/payments?orderId=${id}`, token, ({ body }) => body.items?.length === 1);
    const [payment] = paid.body.items;
    expect(payment).toMatchObject({ orderId: id, amount: 398, method: 'CREDIT_CARD', status: 'SUCCEEDED' });
    const refund = await call('POST', `/payments/${payment.id}/refund`, { token });
    expect(refund).toMatchObject({ status: 200, body: { id: payment.id, status: 'REFUNDED' } });
    const cancelled = await until(`/orders/${id}`, token, ({ body }) => body.status === 'CANCELLED');
    expect(cancelled.body).toMatchObject({ cancelReason: 'refunded' });

    const trace = await until(`/orders/${id}/trace`, token, ({ body }) => body.steps.some(({ type }: { type: string }) => type === 'order_refunded')); // prettier-ignore
    expect(trace.body.steps.map(({ type }: { type: string }) => type)).toEqual(
      expect.arrayContaining(['order_created', 'order_stock_reserved', 'order_paid', 'order_confirmed', 'order_cancelled', 'order_refunded']), // prettier-ignore
    );
  }, 60_000);

  test("whose card is refused has a cancelled order that says so, and nobody else's to look at", async () => {
    const [token, other] = [await customer('bob'), await customer('eve')];
    const body = { lines: [{ productId: 'p1', qty: 1 }], payment: { method: 'DEBIT_CARD', token: 'tok_insufficient_funds' } }; // prettier-ignore
    const { id } = (await call('POST', '/orders', { token, body })).body;
    const order = await until(`/orders/${id}`, token, ({ body: { status } }) => status === 'CANCELLED');
    expect(order.body).toMatchObject({ cancelReason: 'payment_failed' });
    for (const [method, path] of [
      ['GET', `/orders/${id}`],
      ['GET', `/orders/${id}/trace`],
      ['POST', `/orders/${id}/cancel`],
    ] as const) {
      // prettier-ignore
      expect(await call(method, path, { token: other })).toMatchObject({ status: 404, body: { code: 'ORDER_NOT_FOUND' } }); // prettier-ignore
    }
    expect((await call('GET', '/orders', { token: other })).body.items).toEqual([]);
    expect((await call('GET', `/payments?orderId=${id}`, { token: other })).body.items).toEqual([]);
  }, 60_000);
});

test('verification goes all the way here too, without an account and for nothing', async () => {
  const headers = { authorization: `Bearer ${await operatorToken()}` };
  const ask = (query: string) => send(platform.gatewayUrl, 'POST', '/graphql', { headers, body: { query } });
  const created = await ask(`mutation { createOrder(productId: "${VERIFICATION_PRODUCT}", qty: 1) { id } }`);
  const { id } = created.body.data.createOrder;
  const status = (wanted: string) =>
    eventually(
      () => ask(`{ order(id: "${id}") { status } }`),
      ({ body }) => body.data?.order?.status === wanted,
    );
  await status('CONFIRMED');
  expect((await ask(`mutation { cancelOrder(id: "${id}") { status } }`)).body.errors).toBeUndefined();
  await status('CANCELLED');
}, 60_000);
