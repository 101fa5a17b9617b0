import { expect, test } from '@jest/globals';
import type { OrderPlatform } from '../../api/v1alpha1/index.ts';
import { Deployments, Jobs, Secrets, StatefulSets, type Secret } from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { VOLUME } from '../testing/platforms.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
cluster.startOperator();

const secret = (namespace: string, name: string, stringData: Record<string, string>) =>
  cluster.client.create(Secrets, { metadata: { name, namespace }, stringData } as unknown as Secret);
const change = (namespace: string, name: string, stringData: Record<string, string>) =>
  cluster.client.mergePatch(Secrets, { namespace, name }, { stringData });
const containerOf = async (namespace: string, name: string) =>
  (await cluster.client.get(Deployments, { namespace, name }))?.spec?.template.spec?.containers[0];
const uriIn = async (namespace: string, name: string) =>
  Buffer.from((await cluster.client.get(Secrets, { namespace, name }))?.data?.uri ?? '', 'base64').toString();
const jobsOf = async (namespace: string, purpose: string) =>
  (await cluster.client.list(Jobs, { namespace, labelSelector: `orderplane.dev/run-of=${purpose}` })).items;

const REPORTS = {
  name: 'reports',
  image: 'x',
  needs: [{ postgres: { database: 'reports', access: 'Owner' as const } }],
};
const external = (rest: object = {}): OrderPlatform['spec'] => ({
  stores: { postgres: { external: { secretRef: { name: 'rds' }, ...rest } } },
  services: [REPORTS],
});

test('an external store is connected to before it is used, and what is wrong with it is named until its Secret is put right', async () => {
  const namespace = await cluster.namespace();
  const message = 'Postgres at db.example:5432 refuses the login of the administrator: correct the uri in Secret rds';
  await cluster.kubelet.behave(/^shop-connect-postgres-/, { kind: 'result', result: { ok: false, reason: 'AuthenticationFailed', message } });
  await secret(namespace, 'rds', { uri: 'postgres://admin:wrong@db.example:5432/postgres' });
  await platforms.create(namespace, external());
  const stalled = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'AuthenticationFailed' });
  expect(stalled.message).toContain(message);
  expect(await platforms.condition(namespace, 'StoresReady')).toMatchObject({ status: 'False', reason: 'AuthenticationFailed' });
  expect(await jobsOf(namespace, 'provision-postgres')).toEqual([]);

  await cluster.kubelet.behave(/^shop-connect-postgres-/, { kind: 'run' });
  await change(namespace, 'rds', { uri: 'postgres://admin:right@db.example:5432/postgres' });
  await platforms.ready(namespace);
  expect(await uriIn(namespace, 'shop-reports-postgres')).toMatch(/^postgres:\/\/reports_1:[\w-]{32}@db\.example:5432\/reports$/);
  expect(await cluster.client.get(StatefulSets, { namespace, name: 'shop-postgres' })).toBeUndefined();
}, 60_000); // prettier-ignore

test('the authority of an external store reaches the services, their URIs and every Job that connects', async () => {
  const namespace = await cluster.namespace();
  await secret(namespace, 'rds', { uri: 'postgres://admin:pw@db.example/postgres', 'ca.crt': 'CERTIFICATE' });
  await platforms.create(namespace, external());
  await platforms.ready(namespace);
  expect(await uriIn(namespace, 'shop-reports-postgres')).toMatch(/@db\.example\/reports\?sslmode=verify-full&sslrootcert=\/etc\/orderplane\/ca\/postgres\/ca\.crt$/);
  const container = await containerOf(namespace, 'shop-reports');
  expect(container?.volumeMounts).toContainEqual({ name: 'ca-postgres', mountPath: '/etc/orderplane/ca/postgres', readOnly: true });
  const [provision] = await jobsOf(namespace, 'provision-postgres');
  const { containers, volumes } = provision?.spec?.template.spec ?? { containers: [] };
  const path = 'ca/postgres-admin-uri.crt';
  expect(containers[0]?.env).toContainEqual({ name: 'POSTGRES_ADMIN_CA_FILE', value: `/etc/orderplane/${path}` });
  expect(volumes?.[0]?.projected?.sources).toContainEqual({ secret: { name: 'rds', optional: true, items: [{ key: 'ca.crt', path }] } });
}, 60_000); // prettier-ignore

test('where nothing is provisioned, each service is told which Secret it waits for, and uses it as it is', async () => {
  const namespace = await cluster.namespace();
  await secret(namespace, 'rds', { uri: 'postgres://owner:pw@db.example/app' });
  const api = { ...REPORTS, name: 'api' };
  await platforms.create(namespace, { ...external({ provisioning: 'None' }), services: [REPORTS, api] });
  const waiting = await platforms.becomes(namespace, 'Ready', { status: 'False', reason: 'SecretMissing' });
  expect(waiting.message).toContain('the login of service reports: Secret shop-reports-postgres does not exist: create it, with the key uri');

  // One service does not wait for the other's login.
  await secret(namespace, 'shop-api-postgres', { uri: 'postgres://api:own@db.example/app' });
  await eventually('api is there', () => containerOf(namespace, 'shop-api'));
  expect(await containerOf(namespace, 'shop-reports')).toBeUndefined();
  await secret(namespace, 'shop-reports-postgres', { uri: 'postgres://reports:own@db.example/app' });
  await platforms.ready(namespace);
  expect(await uriIn(namespace, 'shop-reports-postgres')).toBe('postgres://reports:own@db.example/app');
  expect(await jobsOf(namespace, 'provision-postgres')).toEqual([]);
  expect((await jobsOf(namespace, 'connect-postgres')).length).toBeGreaterThan(0);
}, 60_000); // prettier-ignore

test('where nothing is provisioned, migrations run as the administrator that the Secret names', async () => {
  const namespace = await cluster.namespace();
  await secret(namespace, 'rds', { uri: 'postgres://owner:pw@db.example/inventory', 'ca.crt': 'CERTIFICATE' });
  await secret(namespace, 'shop-inventory-postgres', { uri: 'postgres://inventory:own@db.example/inventory' });
  await platforms.create(namespace, {
    ...external({ provisioning: 'None' }),
    broker: { nats: VOLUME },
    services: [{ name: 'inventory' }],
  });
  await platforms.ready(namespace);
  const [migrate] = await jobsOf(namespace, 'migrate');
  const env = migrate?.spec?.template.spec?.containers[0]?.env?.map(({ name }) => name);
  expect(env).toEqual(['ORDERPLANE_INPUT', 'ADMIN_URI', 'ADMIN_CA_FILE']);
}, 60_000);

test('an external broker is used by all services as its Secret says, which rolls them when it changes', async () => {
  const namespace = await cluster.namespace();
  await secret(namespace, 'nats', { uri: 'nats://shop:pw@nats.example:4222', 'ca.crt': 'CERTIFICATE' });
  const worker = { name: 'worker', image: 'x', needs: [{ broker: { consume: ['order_created'], publish: [] } }] };
  await platforms.create(namespace, { broker: { nats: { external: { secretRef: { name: 'nats' } } } }, services: [worker] });
  await platforms.ready(namespace);
  const env = (await containerOf(namespace, 'shop-worker'))?.env;
  expect(env).toContainEqual({ name: 'BROKER_URI', valueFrom: { secretKeyRef: { name: 'nats', key: 'uri' } } });
  expect(env).toContainEqual({ name: 'BROKER_CA_FILE', value: '/etc/orderplane/ca/nats/ca.crt' });
  expect(await cluster.client.get(StatefulSets, { namespace, name: 'shop-nats' })).toBeUndefined();

  await cluster.client.delete(Secrets, { namespace, name: 'nats' });
  const generation = async () => (await cluster.client.get(Deployments, { namespace, name: 'shop-worker' }))?.metadata.generation;
  const before = await generation();
  // Anything that wakes the platform has it look again.
  await platforms.change(namespace, { profile: 'staging' });
  const missing = await platforms.becomes(namespace, 'BrokerReady', { status: 'False', reason: 'SecretMissing' });
  expect(missing.message).toContain('nats is external, but its Secret nats does not exist');
  await secret(namespace, 'nats', { uri: 'nats://shop:new@nats.example:4222' });
  await platforms.ready(namespace);
  expect(await generation()).toBeGreaterThan(before ?? 0);
  expect((await containerOf(namespace, 'shop-worker'))?.env).not.toContainEqual(expect.objectContaining({ name: 'BROKER_CA_FILE' }));
}, 60_000); // prettier-ignore
