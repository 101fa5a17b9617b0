import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { root } from '@orderplane/hack/root.ts';
import { type Exposition, samplesOf, scrape } from '../testing/prometheus.ts';
import { send, type Sent } from '../testing/gateway.ts';
import {
  eventually,
  graphql,
  startPlatform,
  startShopStores,
  startStores,
  type Stores,
  type TestPlatform,
} from './platform.ts';

const SERVICES = ['gateway', 'users', 'orders', 'order-query', 'inventory', 'payments'] as const;
type ServiceName = (typeof SERVICES)[number];
type Told = Readonly<Record<ServiceName, Exposition>>;

type Row = readonly [ServiceName, string, Record<string, string>, number];

/** Who counts what how often, at least, in a day of the shop. */
const COUNTED: readonly Row[] = [
  ['gateway', 'http_requests_total', { method: 'POST', endpoint: '/api/v1/orders', status_code: '201' }, 4],
  ['gateway', 'http_requests_total', { method: 'POST', endpoint: '/api/v1/auth/login', status_code: '401' }, 1],
  [
    'gateway',
    'http_request_duration_seconds',
    { method: 'POST', endpoint: '/api/v1/orders/:id/cancel', status_code: '202' },
    1,
  ],
  ['gateway', 'graphql_requests_total', { outcome: 'OK' }, 1],
  ['gateway', 'graphql_requests_total', { outcome: 'UNAUTHENTICATED' }, 1],
  ['users', 'grpc_server_handling_seconds', { method: 'Login', status: 'Unauthenticated' }, 1],
  ['users', 'registrations_total', { outcome: 'registered' }, 1],
  ['users', 'logins_total', { outcome: 'success' }, 1],
  ['users', 'logins_total', { outcome: 'invalid_credentials' }, 1],
  ['users', 'refreshes_total', { outcome: 'exchanged' }, 1],
  ['users', 'password_hash_duration_seconds', {}, 3],
  ['orders', 'grpc_server_handling_seconds', { method: 'CreateOrder', status: 'OK' }, 4],
  ['orders', 'orders_created_total', {}, 4],
  ['orders', 'orders_confirmed_total', {}, 2],
  ['orders', 'orders_cancelled_total', { reason: 'out_of_stock' }, 1],
  ['orders', 'orders_cancelled_total', { reason: 'payment_failed' }, 1],
  ['orders', 'orders_cancelled_total', { reason: 'requested' }, 1],
  ['orders', 'orders_saga_step_seconds', { step: 'payment' }, 2],
  ['orders', 'events_published_total', { topic: 'order_created' }, 4],
  ['orders', 'events_handled_total', { topic: 'payment_processed', outcome: 'done' }, 2],
  ['orders', 'event_lag_seconds', { topic: 'stock_rejected' }, 1],
  ['order-query', 'grpc_server_handling_seconds', { method: 'GetOrder', status: 'OK' }, 1],
  ['order-query', 'events_handled_total', { topic: 'order_created', outcome: 'done' }, 4],
  ['order-query', 'event_lag_seconds', { topic: 'order_refunded' }, 1],
  ['inventory', 'grpc_server_handling_seconds', { method: 'ListProducts', status: 'OK' }, 1],
  ['inventory', 'stock_reserved_total', {}, 3],
  ['inventory', 'stock_rejected_total', { reason: 'out_of_stock' }, 1],
  ['inventory', 'stock_released_total', { reason: 'order_cancelled' }, 2],
  ['inventory', 'events_published_total', { topic: 'stock_events' }, 1],
  ['payments', 'grpc_server_handling_seconds', { method: 'ListPayments', status: 'OK' }, 1],
  ['payments', 'payment_succeeded_total', { method: 'CREDIT_CARD', status: 'SUCCEEDED' }, 2],
  ['payments', 'payment_failed_total', { method: 'CREDIT_CARD', failure_reason: 'insufficient_funds' }, 1],
  ['payments', 'payment_refunded_total', { method: 'CREDIT_CARD' }, 1],
  ['payments', 'payment_processing_duration_seconds', { method: 'CREDIT_CARD', operation: 'charge' }, 3],
  ['payments', 'events_handled_total', { topic: 'stock_reserved', outcome: 'done' }, 3],
];

let stores: Stores;
let platform: TestPlatform;
let before: Told;
let after: Told;

beforeAll(async () => {
  stores = await startStores();
  platform = await startPlatform(stores, await startShopStores(stores));
  before = await told();
  await aDayOfTheShop();
  // What counts what happened may come a moment later; what never does fails its own test.
  const isAllCounted = () => COUNTED.every((row) => counted(row) >= row[3]);
  await eventually(async () => (after = await told()), isAllCounted, 5000).catch(() => undefined);
}, 600_000);
afterAll(async () => {
  await platform?.stop();
  await stores?.stop();
}, 60_000);

async function told(): Promise<Told> {
  const { gateway, users, orders, orderQuery, inventory, payments } = platform.services;
  if (!users || !payments) throw new Error('this needs the whole shop');
  const running = { gateway, users, orders, 'order-query': orderQuery, inventory, payments };
  const all = await Promise.all(SERVICES.map(async (name) => [name, await scrape(running[name])] as const));
  return Object.fromEntries(all) as Record<ServiceName, Exposition>;
}

const call = (method: string, path: string, options: Sent = {}) =>
  send(platform.gatewayUrl, method, `/api/v1${path}`, options);

/** Something of everything that is counted. */
async function aDayOfTheShop(): Promise<void> {
  const account = { email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada' };
  const { accessToken: token, refreshToken } = (await call('POST', '/auth/register', { body: account })).body.tokens;
  await call('POST', '/auth/login', { body: { email: account.email, password: 'wrong' } });
  await call('POST', '/auth/login', { body: { email: account.email, password: account.password } });
  await call('POST', '/auth/refresh', { body: { refreshToken } });
  await graphql(platform, '{ products { id } }');
  await graphql(platform, '{ order(id: "x") { id } }');
  await stores.inventory(
    `insert into products values ('rare', 'Rare', 100)`,
    `insert into stock (product_id, on_hand) values ('rare', 1)`,
  );

  const order = async (productId: string, qty: number, card: string) => {
    const body = { lines: [{ productId, qty }], payment: { method: 'CREDIT_CARD', token: card } };
    return (await call('POST', '/orders', { token, body })).body.id as string;
  };
  const reached = (id: string, type: string) =>
    eventually(
      () => call('GET', `/orders/${id}/trace`, { token }),
      ({ body }) => body.steps?.some((step: { type: string }) => step.type === type),
    );
  const paid = await order('p1', 2, 'tok_ok');
  await reached(paid, 'order_confirmed');
  await call('GET', `/payments?orderId=${paid}`, { token });
  await call('POST', `/orders/${paid}/cancel`, { token });
  await reached(paid, 'order_refunded');
  await reached(await order('p1', 1, 'tok_insufficient_funds'), 'order_stock_released');
  await reached(await order('rare', 2, 'tok_ok'), 'order_cancelled');
  await reached(await order('rare', 1, 'tok_ok'), 'order_confirmed');
  await eventually(
    () => call('GET', `/orders/${paid}`, { token }),
    ({ body }) => body.refunded === true,
  );
}

/** The sum of a family's samples with these labels; a histogram's, of how often it was observed. */
function sum(exposition: Exposition, family: string, labels: Record<string, string>): number {
  return samplesOf(exposition, family)
    .filter(({ name }) => name === family || name === `${family}_count`)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((total, { value }) => total + value, 0);
}

function counted([service, family, labels]: Row): number {
  const all = { service, ...labels };
  return sum(after[service], family, all) - sum(before[service], family, all);
}

/** Labels besides `service`, which all have. */
function labelNames(exposition: Exposition, family: string): string[] {
  const names = samplesOf(exposition, family).flatMap(({ labels }) => Object.keys(labels));
  return [...new Set(names)].filter((name) => name !== 'service' && name !== 'le').toSorted();
}

describe('a day of the shop is counted', () => {
  test.each(COUNTED)('by %s in %s %p', (service, family, labels, atLeast) => {
    expect(labelNames(after[service], family)).toEqual(expect.arrayContaining(Object.keys(labels)));
    expect(counted([service, family, labels, atLeast])).toBeGreaterThanOrEqual(atLeast);
  });

  test('in labels of few values: no id, no address and no raw path is one', () => {
    const values = SERVICES.flatMap((name) => after[name].samples.flatMap(({ labels }) => Object.values(labels)));
    expect(values.filter((value) => /[0-9a-f]{8}-|@|\?|^\/api\/v1\/orders\/(?!:id)/.test(value))).toEqual([]);
  });

  test('in as many series after requests to addresses that nobody has', async () => {
    await call('GET', '/nothing');
    const series = (exposition: Exposition) => samplesOf(exposition, 'http_requests_total').length;
    const known = series((await told()).gateway);
    for (const path of ['/orders/1/2', '/nothing/3', '/%00', '/orders%2f7', '/x?y=z']) {
      expect(await call('GET', path)).toMatchObject({ status: 404 });
    }
    expect(series((await told()).gateway)).toBe(known);
  });
});

/** Tables of metrics below a heading that ends with the services that have them, each with its queries. */
async function documented() {
  const page = await readFile(join(root, 'docs', 'telemetry.md'), 'utf8');
  return page
    .split(/^### /m)
    .slice(1)
    .map((text) => {
      const [heading = '', ...lines] = text.split(/\n(?=## )/)[0]!.split('\n');
      const rows = lines.flatMap((line) => {
        const [, name, labels] = /^\| `(\w+)`\s*\| (.*?)\s*\|/.exec(line) ?? [];
        return name === undefined || labels === undefined ? [] : [{ name, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label as string).toSorted() }]; // prettier-ignore
      });
      const queries = [...lines.join('\n').matchAll(/```promql\n(.*?)```/gs)].map(([, query]) => query).join('\n');
      const asked = [...queries.matchAll(/([a-z_]+)(?=[[{])/g)].map(([, name]) => (name as string).replace(/_(?:bucket|sum|count)$/, '')); // prettier-ignore
      return {
        heading,
        services: heading
          .slice(heading.indexOf(':') + 1)
          .split(',')
          .map((name) => name.trim()),
        rows,
        asked,
      };
    });
}

describe('docs/telemetry.md', () => {
  test.each(SERVICES)('has the metrics of %s with their labels, and no others', async (service) => {
    const sections = (await documented()).filter(({ services }) => services.includes(service));
    const told = [...after[service].families.keys()].map((name) => ({
      name,
      labels: labelNames(after[service], name),
    }));
    const byName = (rows: { name: string }[]) => rows.toSorted((a, b) => a.name.localeCompare(b.name));
    expect(byName(sections.flatMap(({ rows }) => rows))).toEqual(byName(told));
  });

  test('asks in each section for every metric of it, and for no other', async () => {
    for (const { heading, rows, asked } of await documented()) {
      expect({ heading, asked: [...new Set(asked)].toSorted() }).toEqual({
        heading,
        asked: rows.map(({ name }) => name).toSorted(),
      });
    }
  });
});
