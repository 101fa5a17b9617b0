/** Whatever is wrong, the one who asked is told what and where: by the API server, by the status, or by GraphQL. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { OrderPlatforms, SeedJobs } from '@orderplane/operator/api/v1alpha1/index.ts';
import type { KubeObject, Resource } from '@orderplane/operator/runtime/index.ts';
import { openCluster } from '../harness/cluster.ts';
import { conditionOf } from '../harness/conditions.ts';
import { refusedOrder } from '../harness/graphql.ts';
import { sharedPlatform, testNamespace } from '../harness/platform.ts';
import { waitForObject } from '../harness/watching.ts';

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'calm');
const namespace = await testNamespace(cluster, 'bad-input');

afterAll(async () => {
  await cluster.dropNamespace(namespace);
  await cluster.close();
});

const object = (kind: string, name: string, spec: object): KubeObject & { spec: object } => ({
  apiVersion: 'orderplane.dev/v1alpha1',
  kind,
  metadata: { name, namespace },
  spec,
});
const orderPlatform = (spec: object, name = 'bad') => object('OrderPlatform', name, spec);
const storage = { managed: { storage: '1Gi' } };

describe('the API server refuses', () => {
  test.each<[string, KubeObject, RegExp]>([
    ['a field that does not exist', orderPlatform({ colour: 'red' }), /unknown field "spec\.colour"/],
    [
      'a store that does not exist',
      orderPlatform({ stores: { oracle: storage } }),
      /unknown field "spec\.stores\.oracle"/,
    ],
    [
      'a profile that does not exist',
      orderPlatform({ profile: 'huge' }),
      /spec\.profile: Unsupported value: "huge": supported values: "dev", "staging", "prod"/,
    ],
    [
      'a store in two places',
      orderPlatform({ stores: { postgres: { ...storage, external: { secretRef: { name: 'db' } } } } }),
      /set exactly one of managed and external for stores\.postgres/,
    ],
    [
      'a fraction of a pod',
      orderPlatform({ services: [{ name: 'orders', replicas: 1.5 }] }),
      /spec\.services\[0\]\.replicas/,
    ],
    [
      'less than no pods',
      orderPlatform({ services: [{ name: 'orders', replicas: -1 }] }),
      /replicas.*greater than or equal to 0/,
    ],
    [
      'a service that nobody has an image of',
      orderPlatform({ services: [{ name: 'reports' }] }),
      /a service that is not of the release .* needs an image/,
    ],
    [
      'a variable that the operator sets',
      orderPlatform({ services: [{ name: 'orders', env: [{ name: 'POSTGRES_URI', value: 'x' }] }] }),
      /POSTGRES_URI.* are set by the operator: use needs/,
    ],
    ['a name that cannot begin names', orderPlatform({}, '1st'), /the platform's name starts with a letter/],
    [
      'a Migration of nothing',
      object('Migration', 'bad', { engine: 'postgres', database: 'orders', source: { inline: [] } }),
      /set exactly one of platformRef and target/,
    ],
    [
      'rows for Postgres without a table',
      object('SeedJob', 'bad', {
        platformRef: { name: 'bad' },
        datasets: [{ name: 'x', engine: 'postgres', database: 'x', key: ['id'], mode: 'Upsert', rows: [{ id: 1 }] }],
      }),
      /a dataset for postgres names a table/,
    ],
  ])('%s', async (_sentence, bad, message) => {
    expect(await cluster.refusal(bad)).toMatch(message);
  });
});

describe('the status tells of', () => {
  test.each<[string, KubeObject, Resource, RegExp]>([
    [
      'a Secret that is missing',
      orderPlatform({ stores: { postgres: { external: { secretRef: { name: 'no-such-secret' } } } } }, 'lost-secret'),
      OrderPlatforms,
      /no-such-secret/,
    ],
    [
      'a service that needs a store which the platform does not have',
      orderPlatform({ stores: { postgres: storage }, services: [{ name: 'order-query' }] }, 'lost-store'),
      OrderPlatforms,
      /order-query.*(mongo|nats|broker)|(mongo|nats|broker).*order-query/,
    ],
    [
      'a seed for a platform that does not exist',
      object('SeedJob', 'lost-platform', {
        platformRef: { name: 'nobody' },
        datasets: [
          { name: 'x', engine: 'postgres', database: 'x', table: 'x', key: ['id'], mode: 'Upsert', rows: [{ id: 1 }] },
        ],
      }),
      SeedJobs,
      /nobody/,
    ],
  ])('%s', async (_sentence, bad, resource, message) => {
    await cluster.apply([bad]);
    const ready = await waitForObject(
      cluster.client,
      resource,
      { namespace, name: bad.metadata.name },
      (found) => {
        const condition = conditionOf(found, 'Ready');
        return condition?.status === 'False' && message.test(condition.message) && condition;
      },
      {
        timeoutMs: 15_000,
        what: `a word on it in Ready (${message})`,
      },
    );
    expect(ready.reason).toMatch(/^[A-Z][A-Za-z]+$/);
  });
});

describe('GraphQL refuses', () => {
  test.each<[string, string, unknown, string, RegExp]>([
    ['a product that does not exist', 'no-such-product', 1, 'PRODUCT_NOT_FOUND', /product/i],
    ['an order of nothing', 'p1', 0, 'BAD_USER_INPUT', /qty/],
    ['an order of less than nothing', 'p1', -1, 'BAD_USER_INPUT', /qty/],
    ['an order of more than anyone has', 'p1', 10_001, 'BAD_USER_INPUT', /qty/],
    ['an order of a half', 'p1', 0.5, 'BAD_USER_INPUT', /qty/],
  ])('%s', async (_sentence, productId, qty, code, message) => {
    const errors = await refusedOrder(await platform.gatewayUrl(), productId, qty);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toMatch(message);
    expect(errors[0]?.extensions?.code).toBe(code);
  });
});
