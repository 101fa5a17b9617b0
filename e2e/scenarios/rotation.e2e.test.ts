/** Credentials change under a running shop: those of its services on request, the administrator's when they were lost. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { MongoClient } from 'mongodb';
import { OrderPlatforms, type OrderPlatform } from '@orderplane/operator/api/v1alpha1/index.ts';
import { Pods, Secrets } from '@orderplane/operator/runtime/index.ts';
import pg from 'pg';
import { figure, openCluster } from '../harness/cluster.ts';
import { eventually } from '../harness/eventually.ts';
import { createOrder } from '../harness/graphql.ts';
import { documentsPerOrder, placeOrders } from '../harness/orders.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectBroker, connectMongo, connectPostgres, storeUri } from '../harness/stores.ts';
import { waitForObject } from '../harness/watching.ts';

const PER_SECOND = 5;

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'rough');
const key = { namespace: platform.namespace, name: platform.name };

afterAll(() => cluster.close());

test('rotation refuses no order, and ends the logins of before', async () => {
  const [postgres, mongo, nats] = [
    await storeUri(platform, 'postgres', 'orders'),
    await storeUri(platform, 'mongo', 'order-query'),
    await storeUri(platform, 'nats', 'orders'),
  ];
  const stop = new AbortController();
  const orders = placeOrders(await platform.gatewayUrl(), PER_SECOND, stop.signal);
  // Orders have to be under way when it begins.
  await delay(1_000);
  const request = new Date().toISOString();
  const started = performance.now();
  await cluster.client.mergePatch(OrderPlatforms, key, {
    metadata: { annotations: { 'orderplane.dev/rotate': request } },
  });
  const isHandled = (found: OrderPlatform | undefined) => found?.status?.lastHandledRotation === request;
  await waitForObject(cluster.client, OrderPlatforms, key, isHandled, {
    timeoutMs: 180_000,
    what: 'the end of the rotation',
  });
  figure('rotation of every login', `${((performance.now() - started) / 1000).toFixed(1)} s`);
  stop.abort();
  const { answered, refused, longestSilenceMs } = await orders;
  figure('orders meanwhile', `${answered.length} answered, longest silence ${Math.round(longestSilenceMs)} ms`);
  expect(refused).toEqual([]);
  await using documents = await connectMongo(platform);
  const counts = await documentsPerOrder(documents, answered, 60_000);
  expect([...counts.values()].every((count) => count === 1)).toBe(true);

  await using formerMongo = new MongoClient(mongo.href, { serverSelectionTimeoutMS: 5_000 });
  const refusedLogin = [
    new pg.Client({ connectionString: postgres.href }).connect(),
    formerMongo.db('app').command({ ping: 1 }),
    connect({ servers: nats.host, user: nats.username, pass: nats.password, reconnect: false }),
  ];
  for (const attempt of refusedLogin) await expect(attempt).rejects.toThrow(/auth/i);
  await using _postgres = await connectPostgres(platform, { role: 'orders', database: 'orders' });
  await using _nats = await connectBroker(platform, 'orders');
  await platform.waitReady();
}, 300_000);

test("a lost Secret of Postgres's administrator is made anew, and opens the data", async () => {
  const pod = { namespace: platform.namespace, name: `${platform.name}-postgres-0` };
  const before = (await cluster.client.get(Pods, pod))?.metadata.uid;
  await cluster.client.delete(Secrets, { ...key, name: `${platform.name}-postgres-admin` });
  const isAnother = (found: { metadata: { uid?: string } } | undefined) =>
    found !== undefined && found.metadata.uid !== before;
  await waitForObject(cluster.client, Pods, pod, isAnother, { timeoutMs: 120_000, what: 'another pod of Postgres' });
  await platform.waitReady();
  await using admin = await connectPostgres(platform, { database: 'orders' });
  const { rows } = await admin.query('SELECT count(*)::int AS orders FROM events');
  expect(rows[0]?.orders).toBeGreaterThan(0);
  const gateway = await platform.gatewayUrl();
  await eventually(() => createOrder(gateway, 'p1', 1), { timeoutMs: 60_000, what: 'an order' });
}, 300_000);
