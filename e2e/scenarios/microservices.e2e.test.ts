/** The full shop, as `examples/microservices` has it, point by point through its gateway. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FAILURE_REASONS, PAYMENT_METHODS, SANDBOX_TOKENS } from '@orderplane/contracts/payments.ts';
import { SeedJobs } from '@orderplane/operator/api/v1alpha1/index.ts';
import { Services, type KubeObject } from '@orderplane/operator/runtime/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { holds } from '../harness/conditions.ts';
import { eventually } from '../harness/eventually.ts';
import { exampleManifests, withPlatformSpec } from '../harness/manifests.ts';
import { memoryOf } from '../harness/memory.ts';
import { samplesOf, total } from '../harness/metrics.ts';
import { applyExample, platformHandle, testNamespace } from '../harness/platform.ts';
import { call, newCustomer, PASSWORD, send, type Customer } from '../harness/rest.ts';
import { askRedis, connectBroker, connectPostgres } from '../harness/stores.ts';
import { waitForObject } from '../harness/watching.ts';

const cluster = await openCluster();
const namespace = await testNamespace(cluster, 'microservices');
const platform = platformHandle(cluster, { namespace, name: 'shop' });
const SERVICES = ['gateway', 'users', 'inventory', 'orders', 'order-query', 'payments', 'storefront'];
const PAID = { method: 'CREDIT_CARD', token: 'tok_ok' };
let gateway: string;
let ada: Customer;

beforeAll(async () => {
  const applied = performance.now();
  await applyExample(cluster, 'microservices', platform);
  await platform.waitReady(240_000);
  figure('the full shop, kubectl apply → Ready', `${((performance.now() - applied) / 1000).toFixed(1)} s`);
  for (const name of ['shop-catalogue', 'shop-stock'])
    await waitForObject(cluster.client, SeedJobs, { namespace, name }, (found) => holds(found, 'Ready'), { timeoutMs: 60_000, what: name });
  gateway = await platform.gatewayUrl();
  ada = await newCustomer(gateway, 'ada');
}, 320_000); // prettier-ignore

afterAll(async () => {
  await cluster.dropNamespace(namespace);
  await cluster.close();
});

const stockOf = async (productId: string) => (await call(gateway, 'GET', `/inventory/stock/${productId}`)).body;
/** As soon as it is that; what is set aside for an order that ended goes back after the order's own end. */
const stockBecomes = async (productId: string, onHand: number) => {
  const isIt = async () => {
    const now = await stockOf(productId);
    if (now.onHand !== onHand || now.reserved !== 0) throw new Error(`it is ${JSON.stringify(now)}`);
    return true;
  };
  await eventually(isIt, { timeoutMs: 15_000, what: `a stock of ${onHand} × ${productId}` });
};

describe('the platform', () => {
  test('has every service under its port', async () => {
    const { items } = await cluster.client.list(Services, { namespace });
    const ports = items.map(({ metadata, spec }) => [metadata.name.replace('shop-', ''), spec?.ports?.[0]?.port]);
    expect(Object.fromEntries(ports)).toMatchObject({ gateway: 8080, users: 50051, orders: 50052, inventory: 50053, payments: 50054, storefront: 3000 });
    expect(Object.keys(Object.fromEntries(ports))).toEqual(expect.arrayContaining(SERVICES));
  }); // prettier-ignore

  test('tells of the health of all that the gateway needs', async () => {
    const services = Object.fromEntries(SERVICES.slice(1, -1).map((name) => [name, 'ok']));
    const isWell = async () => {
      const { status, body } = await call(gateway, 'GET', '/health');
      if (isDeepStrictEqual({ status, body }, { status: 200, body: { status: 'ok', services } })) return true;
      const log = await cluster.kubectl(['-n', namespace, 'logs', 'deployment/shop-gateway']);
      const why = log.split('\n').filter((line) => line.includes('a service does not answer'));
      throw new Error(`${status} ${JSON.stringify(body)}\n${why.join('\n')}`);
    };
    // A machine that is busy with bringing them up may let the first of the answers wait.
    await eventually(isWell, { timeoutMs: 15_000, everyMs: 2000, what: 'the health of all' });
  });

  test('serves its storefront', async () => {
    expect(await send(await platform.storefrontUrl(), 'GET', '/')).toMatchObject({ status: 200 });
  });
});

describe('accounts', () => {
  const refresh = (refreshToken: string) => call(gateway, 'POST', '/auth/refresh', { body: { refreshToken } });

  test('log in for 15 minutes, and stay logged in for 7 days by refresh tokens of which Redis has the hash alone', async () => {
    const { status, body } = await call(gateway, 'POST', '/auth/login', { body: { email: ada.email, password: PASSWORD } });
    expect({ status, body }).toMatchObject({ status: 200, body: { user: { email: ada.email }, tokens: { expiresIn: 900, refreshExpiresIn: 604_800 } } });
    const { iat, exp, sid } = claimsOf(body.tokens.accessToken);
    expect(exp - iat).toBe(900);
    const kept = await askRedis(platform, 'HGETALL', `users:session:{${sid}}`);
    expect(kept).toContain(createHash('sha256').update(Buffer.from(body.tokens.refreshToken, 'base64url')).digest('hex'));
    expect(kept).not.toContain(body.tokens.refreshToken);
  }); // prettier-ignore

  test('exchange a refresh token once: whoever brings an old one again ends the login', async () => {
    const { tokens } = await newCustomer(gateway, 'rotating');
    const second = (await refresh(tokens.refreshToken)).body;
    const third = (await refresh(second.refreshToken)).body;
    expect(new Set([tokens, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
    expect(await refresh(tokens.refreshToken)).toMatchObject({ status: 401, body: { code: 'TOKEN_REUSED' } });
    expect(await refresh(third.refreshToken)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
  });

  test('end a login by logging out', async () => {
    const { refreshToken } = (await newCustomer(gateway, 'leaving')).tokens;
    expect(await call(gateway, 'POST', '/auth/logout', { body: { refreshToken } })).toMatchObject({ status: 204 });
    expect(await refresh(refreshToken)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
  });

  test('have a profile that its owner changes', async () => {
    const changed = await ada.call('PUT', '/users/profile', { body: { name: 'Ada Lovelace' } });
    expect(changed).toMatchObject({ status: 200, body: { name: 'Ada Lovelace' } });
    expect((await ada.call('GET', '/users/profile')).body).toEqual(changed.body);
  });

  test('sign with the next key when its time has come, while tokens of the one before go on', async () => {
    const { kid: former } = headerOf(ada.tokens.accessToken);
    await using postgres = await connectPostgres(platform, { database: 'users' });
    await postgres.query(`update signing_keys set active_from = active_from - interval '30 days' - interval '1 minute'`);
    const stranger = [{ alg: 'ES256', kid: 'a key that nobody has' }, {}, {}].map(encoded).join('.');
    const token = await eventually(async () => {
      // An unknown key has the gateway ask users for its keys, and users look at its table.
      await call(gateway, 'GET', '/users/profile', { token: stranger });
      const { body } = await call(gateway, 'POST', '/auth/login', { body: { email: ada.email, password: PASSWORD } });
      return headerOf(body.tokens.accessToken).kid !== former && (body.tokens.accessToken as string);
    }, { timeoutMs: 60_000, everyMs: 4_000, what: 'a token of the next key' });
    expect(await call(gateway, 'GET', '/users/profile', { token })).toMatchObject({ status: 200 });
    expect(await ada.call('GET', '/users/profile')).toMatchObject({ status: 200 });
    expect(await call(gateway, 'GET', '/users/profile', { token: stranger })).toMatchObject({ status: 401 });
  }, 90_000); // prettier-ignore
});

describe('the catalogue', () => {
  test('has products by category and by word, pages, and stock', async () => {
    const all = await call(gateway, 'GET', '/inventory/products');
    expect(all.body.items).toHaveLength(12);
    const first = await call(gateway, 'GET', '/inventory/products?first=5');
    const rest = await call(gateway, 'GET', `/inventory/products?after=${first.body.next}`);
    expect([...first.body.items, ...rest.body.items]).toEqual(all.body.items);
    const kitchen = await call(gateway, 'GET', '/inventory/products?category=kitchen');
    expect(kitchen.body.items.map(({ id }: { id: string }) => id).toSorted()).toEqual(['grinder', 'kettle', 'pan']);
    const found = await call(gateway, 'GET', '/inventory/products?search=lamp');
    expect(found.body.items.map(({ id }: { id: string }) => id).toSorted()).toEqual(['headlamp', 'lamp']);
    const categories = (await call(gateway, 'GET', '/inventory/categories')).body.items;
    expect(categories).toContainEqual({ id: 'desk', name: 'At the desk', products: 4 });
    expect((await call(gateway, 'GET', '/inventory/products/tent')).body).toMatchObject({
      price: 18_900,
      available: 8,
    });
    expect(await stockOf('tent')).toEqual({ productId: 'tent', tracked: true, onHand: 8, reserved: 0, available: 8 });
  });
});

describe('an order', () => {
  test('that is paid is confirmed, and its pieces leave the stock', async () => {
    const before = await stockOf('lamp');
    const id = await ada.order([{ productId: 'lamp', qty: 2 }, { productId: 'p1', qty: 1 }], PAID);
    expect(await ada.orderOnce(id, 'CONFIRMED')).toMatchObject({ total: 9_999, lines: [{ productId: 'lamp', qty: 2, price: 4_900 }, { productId: 'p1' }] });
    expect(await ada.paymentOf(id)).toMatchObject({ status: 'SUCCEEDED', amount: 9_999, method: 'CREDIT_CARD' });
    await stockBecomes('lamp', before.onHand - 2);
  }, 30_000); // prettier-ignore

  test('sent twice under one idempotency key is one order', async () => {
    const bob = await newCustomer(gateway, 'bob');
    const sent = { body: { lines: [{ productId: 'p1', qty: 1 }], payment: PAID }, headers: { 'idempotency-key': 'once' } };
    const [one, again] = [await bob.call('POST', '/orders', sent), await bob.call('POST', '/orders', sent)];
    expect([one.status, again.status]).toEqual([201, 201]);
    expect(again.body.id).toBe(one.body.id);
    await bob.orderOnce(one.body.id, 'CONFIRMED');
    expect((await bob.call('GET', '/orders')).body.items).toMatchObject([{ id: one.body.id }]);
  }, 30_000); // prettier-ignore

  test('without a payment waits for one, by any method, and a refund cancels it', async () => {
    for (const method of PAYMENT_METHODS) {
      const id = await ada.order([{ productId: 'bottle', qty: 1 }]);
      await ada.orderOnce(id, 'STOCK_RESERVED');
      const paid = await ada.call('POST', '/payments', { body: { orderId: id, method, token: 'tok_ok' } });
      expect(paid).toMatchObject({ status: 201, body: { status: 'SUCCEEDED', method, amount: 2_400 } });
      await ada.orderOnce(id, 'CONFIRMED');
      expect(await ada.call('GET', `/payments/${paid.body.id}`)).toMatchObject({ status: 200, body: { orderId: id } });
      const refunded = await ada.call('POST', `/payments/${paid.body.id}/refund`);
      expect(refunded).toMatchObject({ status: 200, body: { status: 'REFUNDED' } });
      expect(await ada.orderOnce(id, 'CANCELLED')).toMatchObject({ cancelReason: 'refunded' });
    }
    await stockBecomes('bottle', 120);
  }, 60_000);

  const refusals = Object.entries(SANDBOX_TOKENS).filter(([, outcome]) => outcome !== 'succeeds');
  test.each(refusals)('whose card is refused (%s) is cancelled, says %s, and gives its pieces back', async (token, reason) => {
    expect(FAILURE_REASONS).toContain(reason);
    const counted = () => samplesOf(platform, 'payments').then((all) => total(all, 'payment_failed_total', { service: 'payments', method: 'DEBIT_CARD', failure_reason: reason }));
    const before = await counted();
    const id = await ada.order([{ productId: 'pan', qty: 3 }], { method: 'DEBIT_CARD', token });
    expect(await ada.orderOnce(id, 'CANCELLED')).toMatchObject({ cancelReason: 'payment_failed' });
    expect(await ada.paymentOf(id)).toMatchObject({ status: 'FAILED', failureReason: reason });
    expect(await counted()).toBe(before + 1);
    await stockBecomes('pan', 18);
  }, 30_000); // prettier-ignore

  test('of more than there is, is cancelled whole and never charged', async () => {
    const id = await ada.order([{ productId: 'notebook', qty: 1 }, { productId: 'cookbook', qty: 2 }], PAID);
    expect(await ada.orderOnce(id, 'CANCELLED')).toMatchObject({ cancelReason: 'out_of_stock' });
    expect((await ada.call('GET', `/payments?orderId=${id}`)).body.items).toEqual([]);
    expect(await stockOf('notebook')).toMatchObject({ onHand: 200, reserved: 0 });
    expect(await stockOf('cookbook')).toMatchObject({ onHand: 1, reserved: 0 });
  }, 30_000); // prettier-ignore

  test('that is cancelled after its confirmation is refunded and put back, as `orderplane order trace` shows', async () => {
    const id = await ada.order([{ productId: 'tent', qty: 1 }], PAID);
    await ada.orderOnce(id, 'CONFIRMED');
    expect(await ada.call('POST', `/orders/${id}/cancel`)).toMatchObject({ status: 202 });
    await eventually(async () => (await ada.orderOnce(id, 'CANCELLED')).refunded, { timeoutMs: 15_000, what: 'the refund' });
    expect(await ada.paymentOf(id)).toMatchObject({ status: 'REFUNDED' });
    await stockBecomes('tent', 8);

    const { code, stdout } = await eventually(async () => {
      const drawn = await cluster.orderplane(['order', 'trace', id, '-n', namespace]);
      return drawn.stdout.includes('order_stock_released') && drawn;
    }, { timeoutMs: 30_000, what: 'the end of the saga in its trace' });
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Order ${id}  ✗ cancelled  after [\\d.]+ m?s`));
    for (const line of [
      /^order_created +orders +\d\d:\d\d:\d\d/m,
      /^└─ stock_reserved +inventory +\+\d+ ms/m,
      /─ payment_processed +payments +\+\d+ ms/,
      /─ order_confirmed +orders +\+\d+ ms/,
      /order_cancelled +orders .*↩ undoes/,
      /─ payment_refunded +payments +\+\d+ ms +↩ undoes/,
      /─ stock_released +inventory +\+\d+ ms +↩ undoes/,
    ]) expect(stdout).toMatch(line);
  }, 60_000); // prettier-ignore

  test('is nobody else’s', async () => {
    const id = await ada.order([{ productId: 'p1', qty: 1 }], PAID);
    await ada.orderOnce(id, 'CONFIRMED');
    const payment = await ada.paymentOf(id);
    const eve = await newCustomer(gateway, 'eve');
    for (const [method, path, code] of [
      ['GET', `/orders/${id}`, 'ORDER_NOT_FOUND'],
      ['GET', `/orders/${id}/trace`, 'ORDER_NOT_FOUND'],
      ['POST', `/orders/${id}/cancel`, 'ORDER_NOT_FOUND'],
      ['GET', `/payments/${payment.id}`, 'PAYMENT_NOT_FOUND'],
      ['POST', `/payments/${payment.id}/refund`, 'PAYMENT_NOT_FOUND'],
    ] as const)
      expect(await eve.call(method, path)).toMatchObject({ status: 404, body: { code } });
    expect((await eve.call('GET', '/orders')).body.items).toEqual([]);
    const mine = (await ada.call('GET', '/orders?first=1')).body;
    expect(mine).toMatchObject({ items: [{ id, status: 'CONFIRMED' }], next: expect.any(String) });
  }, 30_000);

  test('without an account is refused, by REST and by GraphQL', async () => {
    const body = { lines: [{ productId: 'p1', qty: 1 }] };
    expect(await call(gateway, 'POST', '/orders', { body })).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    const query = 'mutation { createOrder(productId: "p1", qty: 1) { id } }';
    const answer = await send(gateway, 'POST', '/graphql', { body: { query } });
    expect(answer.body.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  }); // prettier-ignore

  test('without an account is nothing that profile prod can be told to take', async () => {
    const objects = await exampleManifests('examples/microservices', { namespace, name: 'open' });
    const [object] = withPlatformSpec(objects, (spec) => ({ ...spec, profile: 'prod', identity: { anonymousOrders: true } })); // prettier-ignore
    expect(await cluster.refusal(object as KubeObject)).toContain('profile prod takes no anonymous orders');
  });
});

describe('the API', () => {
  const ROUTES = {
    public: ['post /auth/register', 'post /auth/login', 'post /auth/refresh', 'post /auth/logout', 'get /inventory/products', 'get /inventory/categories', 'get /inventory/stock/{productId}'],
    withToken: ['get /users/profile', 'put /users/profile', 'post /orders', 'get /orders', 'get /orders/{id}', 'post /payments', 'get /payments/{id}', 'post /payments/{id}/refund'],
  }; // prettier-ignore

  test('is written down as OpenAPI, with a page to read it', async () => {
    const page = await send(gateway, 'GET', '/docs');
    expect({ status: page.status, type: page.headers.get('content-type') }).toMatchObject({ status: 200, type: expect.stringContaining('text/html') }); // prettier-ignore
    const { body } = await send(gateway, 'GET', '/docs/json');
    expect(body.openapi).toMatch(/^3\.1/);
    const written = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path.replace('/api/v1', '')}`),
    );
    expect(written).toEqual(expect.arrayContaining([...ROUTES.public, ...ROUTES.withToken]));
  });

  test.each(ROUTES.withToken)('asks for a token: %s', async (route) => {
    const [method = '', path = ''] = route.replace(/\{\w+\}/, '0192f0c1-7c1e-7000-8000-3f1f6f0c2b11').split(' ');
    const answer = await call(gateway, method.toUpperCase(), path);
    expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  test('answers browsers of other origins', async () => {
    const headers = { origin: 'https://shop.example.com', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,idempotency-key' }; // prettier-ignore
    const { status, headers: allowed } = await call(gateway, 'OPTIONS', '/orders', { headers });
    expect(status).toBe(204);
    expect(allowed.get('access-control-allow-origin')).toBe('*');
    expect(allowed.get('access-control-allow-headers')).toContain('authorization');
  });

  test('is there as GraphQL too, with the lines of an order and who is logged in', async () => {
    const token = ada.tokens.accessToken;
    const ask = async (query: string) => (await send(gateway, 'POST', '/graphql', { token, body: { query } })).body;
    const { data } = await ask('mutation { createOrder(lines: [{productId: "kettle", qty: 2}, {productId: "p1", qty: 1}], payment: {method: "PAYPAL", token: "tok_ok"}) { id total } }'); // prettier-ignore
    expect(data.createOrder.total).toBe(7_999);
    await ada.orderOnce(data.createOrder.id, 'CONFIRMED');
    const seen = await ask(
      `{ me { email } order(id: "${data.createOrder.id}") { status total lines { qty product { name } } } }`,
    );
    expect(seen).toEqual({ data: { me: { email: ada.email }, order: { status: 'CONFIRMED', total: 7_999, lines: [{ qty: 2, product: { name: 'Kettle' } }, { qty: 1, product: { name: 'Widget' } }] } } }); // prettier-ignore
  }, 30_000);

  test('takes the ids of a request along to the last event that it leads to', async () => {
    const headers = { 'x-request-id': 'request-of-the-test', 'x-correlation-id': 'business-of-the-test' };
    const body = { lines: [{ productId: 'atlas', qty: 1 }], payment: PAID };
    const placed = await ada.call('POST', '/orders', { body, headers });
    expect(placed.headers.get('x-request-id')).toBe('request-of-the-test');
    await ada.orderOnce(placed.body.id, 'CONFIRMED');
    await using broker = await connectBroker(platform);
    const { streams } = await jetstreamManager(broker, { checkAPI: false });
    for (const [stream, topic] of [['ORDERS', 'order_created'], ['STOCK', 'stock_reserved'], ['PAYMENTS', 'payment_processed'], ['ORDERS', 'order_confirmed']] as const) {
      const event = (await streams.getMessage(stream, { last_by_subj: topic }))?.json<{ subject: string; correlationid: string }>();
      expect(event).toMatchObject({ subject: placed.body.id, correlationid: 'business-of-the-test' });
    }
    const change = async () => (await streams.getMessage('STOCK', { last_by_subj: 'stock_events' }))?.json<{ subject: string; data: { orderId?: string } }>();
    const isOurs = async () => (await change())?.data.orderId === placed.body.id;
    await eventually(isOurs, { timeoutMs: 15_000, what: 'the news of the stock' });
    expect(await change()).toMatchObject({ type: 'stock_events', subject: 'atlas' });
  }, 30_000); // prettier-ignore
});

describe('metrics', () => {
  test('count what was asked, by service, method, endpoint and status', async () => {
    const labels = { service: 'gateway', method: 'GET', endpoint: '/api/v1/inventory/categories', status_code: '200' };
    const requests = async (name: string) => total(await samplesOf(platform, 'gateway'), name, labels);
    const before = await requests('http_requests_total');
    await call(gateway, 'GET', '/inventory/categories');
    const counted = async () => (await requests('http_requests_total')) === before + 1;
    await eventually(counted, { timeoutMs: 5_000, what: 'the count of the request' });
    expect(await requests('http_request_duration_seconds_count')).toBe(before + 1);
  });

  test.each([
    ['storefront', 'http_requests_total', { method: 'GET', endpoint: '/' }],
    ['users', 'registrations_total', { outcome: 'registered' }],
    ['users', 'logins_total', { outcome: 'success' }],
    ['users', 'refreshes_total', { outcome: 'reused' }],
    ['inventory', 'stock_reserved_total', {}],
    ['inventory', 'stock_rejected_total', {}],
    ['inventory', 'stock_released_total', { reason: 'order_cancelled' }],
    ['orders', 'orders_created_total', {}],
    ['orders', 'orders_cancelled_total', { reason: 'out_of_stock' }],
    ['order-query', 'events_handled_total', {}],
    ['payments', 'payment_succeeded_total', { method: 'CREDIT_CARD', status: 'SUCCEEDED' }],
    ['payments', 'payment_refunded_total', { method: 'CREDIT_CARD' }],
    ['payments', 'payment_processing_duration_seconds_count', { method: 'CREDIT_CARD' }],
  ] as const)('of %s have %s', async (service, name, labels) => {
    expect(total(await samplesOf(platform, service), name, { service, ...labels })).toBeGreaterThan(0);
  });
});

test('none of it restarted a pod, and it fits a small machine', async () => {
  const pods = await platform.pods();
  const statuses = pods.flatMap(({ status }) => status?.containerStatuses ?? []);
  expect(statuses.filter(({ restartCount }) => restartCount > 0)).toEqual([]);
  const memory = await memoryOf(cluster.client, namespace);
  const all = [...memory.values()].reduce((sum, mebibytes) => sum + mebibytes, 0);
  const each = [...memory].map(([name, mebibytes]) => `${name} ${mebibytes}`).join(', ');
  figure('memory of the full shop', `${all} MiB (${each})`);
  expect(all).toBeLessThan(2_048);
});

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const decoded = (token: string, part: number) => JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString()); // prettier-ignore
const headerOf = (token: string): { kid: string } => decoded(token, 0);
const claimsOf = (token: string): { iat: number; exp: number; sid: string } => decoded(token, 1);
