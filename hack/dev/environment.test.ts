import { expect, test } from '@jest/globals';
import type { Client, Deployment } from '@orderplane/operator/runtime/index.ts';
import { serviceEnvironment } from './environment.ts';
import type { Reach } from './reach.ts';

const SECRETS: Record<string, string> = {
  'shop-orders-postgres': 'postgres://orders_1:p%40ss@shop-postgres.shop.svc:5432/orders',
  'shop-verification': 'a-secret-key',
};
const client = {
  get: (_: unknown, { name }: { name: string }) =>
    Promise.resolve(SECRETS[name] && { data: { it: Buffer.from(SECRETS[name]).toString('base64') } }),
} as unknown as Client;

/** Everything named shop-… is a Service, reached at a port of localhost. */
const reach: Reach = ({ namespace, name }, port) =>
  Promise.resolve(name.startsWith('shop-') && namespace === 'shop' ? { host: '127.0.0.1', port: port + 1 } : undefined);

const secret = (name: string, key = 'it') => ({ valueFrom: { secretKeyRef: { name, key } } });
const environmentOf = (env: object[]) =>
  serviceEnvironment(
    client,
    {
      metadata: { name: 'd', namespace: 'shop' },
      spec: { template: { spec: { containers: [{ env }] } } },
    } as Deployment,
    reach,
  );

test.each<[string, object, string, string]>([
  ['a plain value', { value: 'DEBUG' }, 'DEBUG', 'DEBUG'],
  [
    'a store, its password masked',
    secret('shop-orders-postgres'),
    'postgres://orders_1:p%40ss@127.0.0.1:5433/orders',
    'postgres://orders_1:***@127.0.0.1:5433/orders',
  ],
  ['a secret that is no URI', secret('shop-verification'), 'a-secret-key', '***'],
  [
    'a service by its short name',
    { value: 'http://shop-orders:50052' },
    'http://127.0.0.1:50053',
    'http://127.0.0.1:50053',
  ],
  [
    'an address outside the cluster',
    { value: 'https://example.com:443/x' },
    'https://example.com:443/x',
    'https://example.com:443/x',
  ],
  [
    'a Service that does not exist',
    { value: 'http://other.shop.svc:80' },
    'http://other.shop.svc:80',
    'http://other.shop.svc:80',
  ],
])('%s', async (_, variable, value, shown) => {
  expect(await environmentOf([{ name: 'V', ...variable }])).toEqual([{ name: 'V', value, shown }]);
});

test('a Secret without the key is named', async () => {
  await expect(environmentOf([{ name: 'V', ...secret('shop-orders-postgres', 'gone') }])).rejects.toThrow(
    'V: Secret shop/shop-orders-postgres has no key gone',
  );
});
