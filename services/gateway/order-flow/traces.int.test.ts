import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ORDER_ID } from '@orderplane/shared/telemetry/span.ts';
import { type CollectedSpan, type Collector, startCollector } from '../testing/collector.ts';
import { send } from '../testing/gateway.ts';
import { eventually, startPlatform, startShopStores, startStores, type Stores, type TestPlatform } from './platform.ts';

let collector: Collector;
let stores: Stores;
let platform: TestPlatform;
let token: string;

beforeAll(async () => {
  collector = await startCollector();
  stores = await startStores();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
  platform = await startPlatform(stores, await startShopStores(stores), env);
  const account = { email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada' };
  token = (await post('/auth/register', account)).body.tokens.accessToken;
}, 600_000);
afterAll(async () => {
  await platform?.stop();
  await stores?.stop();
  await collector?.stop();
}, 60_000);

const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  send(platform.gatewayUrl, 'POST', `/api/v1${path}`, { token, body, headers });

/** Places an order as a client that traces, and waits for its trace: until these paths are there, and nothing whose parent is not. */
async function tracedOrder(card: string, paths: readonly string[]) {
  const [traceId, clientSpan] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  const body = { lines: [{ productId: 'p1', qty: 2 }], payment: { method: 'CREDIT_CARD', token: card } };
  const placed = await post('/orders', body, { traceparent: `00-${traceId}-${clientSpan}-01` });
  expect(placed).toMatchObject({ status: 201 });
  const ofTrace = () => collector.spans.filter((span) => span.traceId === traceId);
  const missing = async () => {
    const spans = ofTrace();
    const ids = new Set([clientSpan, ...spans.map(({ spanId }) => spanId)]);
    const orphans = spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)).map(labelOf);
    return { orphans, paths: paths.filter((path) => !pathsOf(spans).includes(path)) };
  };
  await eventually(missing, (are) => are.orphans.length === 0 && are.paths.length === 0);
  return { id: placed.body.id as string, clientSpan, spans: ofTrace() };
}

const labelOf = ({ service, name }: CollectedSpan) => `${service}: ${name}`;

/** A span and what it is a part of, from the outermost in. */
function pathsOf(spans: readonly CollectedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const path = (span: CollectedSpan): string => {
    const parent = byId.get(span.parentSpanId);
    return parent ? `${path(parent)} > ${labelOf(span)}` : labelOf(span);
  };
  return spans.map(path);
}

const below = (parent: string, ...paths: string[]) => paths.map((path) => `${parent} > ${path}`);

// What leads to what when an order with a payment goes through.
const REQUEST = 'gateway: POST /api/v1/orders';
const CREATE = `${REQUEST} > gateway: orderplane.orders.v1.OrdersService/CreateOrder > orders: orderplane.orders.v1.OrdersService/CreateOrder`;
const PRICES = `${CREATE} > orders: orderplane.inventory.v1.InventoryService/BatchGetProducts > inventory: orderplane.inventory.v1.InventoryService/BatchGetProducts`;
const CREATED = `${CREATE} > orders: append events > orders: publish order_created`;
const RESERVED = `${CREATED} > inventory: process order_created > inventory: postgres transaction > inventory: publish stock_reserved`;
const CHARGED = `${RESERVED} > payments: process stock_reserved > payments: postgres transaction > payments: publish payment_processed`;
const AGREED = `${CHARGED} > orders: process payment_processed > orders: append events`;
const PROJECTED = 'order-query: mongo apply';
const THROUGH = [
  ...below(PRICES, 'inventory: postgres select'),
  ...below(CREATE, 'orders: append events > orders: postgres with'),
  ...below(CREATED, `order-query: process order_created > ${PROJECTED}`),
  ...below(`${RESERVED} > orders: process stock_reserved > orders: append events > orders: publish order_stock_reserved`, `order-query: process order_stock_reserved > ${PROJECTED}`),
  ...below(`${RESERVED} > payments: process stock_reserved`, 'payments: processor charge > payments: postgres insert'),
  ...below(`${AGREED} > orders: publish order_paid`, `order-query: process order_paid > ${PROJECTED}`),
  // It comes together with order_paid, and is stored as a part of that one's work.
  ...below(`${AGREED} > orders: publish order_confirmed`, 'order-query: process order_confirmed', 'inventory: process order_confirmed > inventory: postgres transaction'),
]; // prettier-ignore

describe('one order is one trace', () => {
  test('with the work of every service on it, each piece below what led to it', async () => {
    const { id, clientSpan, spans } = await tracedOrder('tok_ok', THROUGH);
    expect(spans.filter(({ parentSpanId }) => parentSpanId === clientSpan).map(labelOf)).toEqual([REQUEST]);
    expect(spans.filter(({ failed }) => failed).map(labelOf)).toEqual([]);
    expect(spans.filter(({ start, end }) => end < start)).toEqual([]);

    const named = spans.filter((span) => span.attributes[ORDER_ID] === id);
    expect(new Set(named.map(({ service }) => service))).toEqual(new Set(['gateway', 'orders', 'inventory', 'payments', 'order-query'])); // prettier-ignore
    expect(spans.filter(({ attributes }) => ORDER_ID in attributes)).toHaveLength(named.length);
    const request = spans.find((span) => labelOf(span) === REQUEST);
    expect(request?.attributes).toMatchObject({ 'http.route': '/api/v1/orders', 'http.response.status_code': 201, [ORDER_ID]: id }); // prettier-ignore
    const charge = spans.find(({ name }) => name === 'processor charge');
    expect(charge?.attributes).toMatchObject({ 'orderplane.payment.method': 'CREDIT_CARD', 'orderplane.payment.outcome': 'charged' }); // prettier-ignore
  }, 60_000);

  test('with what takes it back when the payment is refused', async () => {
    const refused = `${RESERVED} > payments: process stock_reserved > payments: postgres transaction > payments: publish payment_failed`;
    const cancelled = `${refused} > orders: process payment_failed > orders: append events > orders: publish order_cancelled`;
    const released = `${cancelled} > inventory: process order_cancelled > inventory: postgres transaction > inventory: publish stock_released`;
    const { spans } = await tracedOrder('tok_declined', [`${released} > orders: process stock_released`]);
    const charge = spans.find(({ name }) => name === 'processor charge');
    expect(charge?.attributes).toMatchObject({ 'orderplane.payment.outcome': 'card_declined' });
  }, 60_000);
});
