import { beforeAll, describe, expect, test } from '@jest/globals';
import { Migrations } from '../../api/v1alpha1/index.ts';
import { Deployments, Jobs, PersistentVolumeClaims, ReplicaSets, Secrets, Services } from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { ULTRALIGHT, VOLUME } from '../testing/platforms.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
let operator = cluster.startOperator();

describe('a fresh platform', () => {
  let namespace: string;

  beforeAll(async () => {
    namespace = await cluster.namespace();
    await platforms.create(namespace, ULTRALIGHT);
    await platforms.ready(namespace);
  }, 60_000);

  test('comes up with every stage True, and tells what it is made of', async () => {
    const { status } = await platforms.read(namespace);
    expect((status?.conditions ?? []).map(({ type, status: held, reason }) => `${type} ${held} ${reason}`)).toEqual([
      'CredentialsReady True Ready',
      'NetworkRestricted True Restricted',
      'StoresReady True Ready',
      'BrokerReady True Ready',
      'IdentityReady True NotRequested',
      'DatabasesReady True Ready',
      'SchemaCurrent True UpToDate',
      'SeedsApplied True NotRequested',
      'ServicesAvailable True Available',
      'Exposed True NotRequested',
      'Monitored True NotRequested',
      'OrderFlowVerified True Verified',
      'Ready True Ready',
    ]);
    expect(status).toMatchObject({
      services: '5/5',
      version: '0.1.0',
      migrations: ['inventory', 'order-query', 'orders'].map((name) => ({
        name: `shop-${name}`,
        ready: true,
        version: '0001',
      })),
      databases: [
        { engine: 'mongo', name: 'app' },
        { engine: 'postgres', name: 'inventory' },
        { engine: 'postgres', name: 'orders' },
      ],
    });
  });

  test('is written with each object once, and each Job run once', async () => {
    await operator.idle();
    const writes = await cluster.writes(namespace);
    // A status follows what happens; so does what is noted on the record of a template: that pods ran with it.
    const once = writes.filter((write) => !/\/status |^patch controllerrevisions /.test(write));
    expect(once).toEqual([...new Set(once)]);
    const { items } = await cluster.client.list(Jobs, { namespace });
    const purposes = items.map(
      ({ metadata }) => `${metadata.ownerReferences?.[0]?.name} ${metadata.labels?.['orderplane.dev/run-of']}`,
    );
    expect(purposes.sort()).toEqual([
      'shop provision-mongo',
      'shop provision-postgres',
      'shop verify',
      'shop-inventory migrate',
      'shop-order-query migrate',
      'shop-orders migrate',
    ]);
  });

  test('causes no mutating request once it is steady, also for an operator that starts anew', async () => {
    await operator.idle();
    const before = await cluster.writes(namespace);
    await operator.kill();
    operator = cluster.startOperator();
    await operator.idle();
    expect((await cluster.writes(namespace)).slice(before.length)).toEqual([]);
  }, 60_000);

  test('keeps credentials and volumes for whoever comes after it, and nothing else', async () => {
    const owned = <T extends { metadata: { ownerReferences?: unknown[]; labels?: Record<string, string> } }>(
      items: T[],
    ) => items.filter(({ metadata }) => metadata.ownerReferences || metadata.labels?.['app.kubernetes.io/instance']);
    const secrets = (await cluster.client.list(Secrets, { namespace })).items;
    const claims = (await cluster.client.list(PersistentVolumeClaims, { namespace })).items;
    expect(owned(secrets).map(({ metadata }) => metadata.name)).toEqual(['shop-nats-config']);
    expect(owned(claims)).toEqual([]);
    expect(claims.map(({ metadata }) => metadata.labels?.['orderplane.dev/platform'])).toEqual([
      'shop',
      'shop',
      'shop',
    ]);
    expect(secrets.map(({ metadata }) => metadata.name)).toEqual([
      'shop-inventory-nats',
      'shop-inventory-postgres',
      'shop-mongo-admin',
      'shop-nats-admin',
      'shop-nats-config',
      'shop-order-query-mongo',
      'shop-order-query-nats',
      'shop-orders-nats',
      'shop-orders-postgres',
      'shop-postgres-admin',
      'shop-verification',
    ]);
  });

  test.each([
    ['a deleted Deployment', async () => void (await cluster.client.delete(Deployments, { namespace, name: 'shop-orders' })), async () => cluster.client.get(Deployments, { namespace, name: 'shop-orders' })],
    [
      'a renumbered Service port',
      async () => void (await cluster.client.mergePatch(Services, { namespace, name: 'shop-gateway' }, { spec: { ports: [{ name: 'http', port: 9999, targetPort: 'http' }] } })),
      async () => {
        const ports = (await cluster.client.get(Services, { namespace, name: 'shop-gateway' }))?.spec?.ports ?? [];
        return ports.map(({ port }) => port).join() === '8080,8081';
      },
    ],
    [
      'another image',
      async () => {
        const containers = [{ name: 'main', image: 'registry.example/evil:1' }];
        await cluster.client.apply(Deployments, { metadata: { namespace, name: 'shop-storefront' }, spec: { template: { spec: { containers } } } } as never, { fieldManager: 'someone' });
      },
      async () => {
        const live = await cluster.client.get(Deployments, { namespace, name: 'shop-storefront' });
        return live?.spec?.template.spec?.containers[0]?.image === 'orderplane/storefront:0.1.0';
      },
    ],
    [
      'a label that is taken away',
      async () => void (await cluster.client.mergePatch(Deployments, { namespace, name: 'shop-gateway' }, { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } })),
      async () => (await cluster.client.get(Deployments, { namespace, name: 'shop-gateway' }))?.metadata.labels?.['app.kubernetes.io/managed-by'] === 'orderplane',
    ],
  ])('puts back %s, also while Postgres is down', async (_, damage, isRepaired) => {
    await cluster.kubelet.behave(new RegExp(`^shop-postgres-0$`), { kind: 'crash', log: 'PANIC: could not write to file' });
    await platforms.becomes(namespace, 'StoresReady', { status: 'False' });
    await damage();
    await eventually('it is repaired', async () => isRepaired());
    await cluster.kubelet.behave(/^shop-postgres-0$/, { kind: 'run' });
    await platforms.ready(namespace);
  }, 60_000); // prettier-ignore

  test('names the one blocking cause, in the words of the pod', async () => {
    await cluster.kubelet.behave(/^shop-order-query-/, { kind: 'crash', log: '{"level":"fatal","msg":"cannot start","err":{"message":"MONGO_URI: is required"}}\n' });
    const message = /^4 of 5 services are available: order-query is not available: pod shop-order-query-\S+ keeps crashing \(main: exit code 1\): cannot start: MONGO_URI: is required$/;
    await platforms.becomes(namespace, 'Ready', { status: 'False', reason: 'PodFailing', message });
    await cluster.kubelet.behave(/^shop-order-query-/, { kind: 'run' });
    await platforms.ready(namespace);
  }, 60_000); // prettier-ignore

  test('verifies again what rolls, and tells at which hop an order was lost', async () => {
    await cluster.kubelet.behave(/^shop-verify-/, { kind: 'result', result: { ok: false, reason: 'ReadModelTimeout', message: 'order o2 was not seen in 30 s', hop: 'order-query' } });
    await platforms.change(namespace, { profile: 'staging' });
    const { message } = await platforms.becomes(namespace, 'OrderFlowVerified', { status: 'False', reason: 'ReadModelTimeout' });
    expect(message).toContain('at order-query: order o2 was not seen in 30 s');
    await cluster.kubelet.behave(/^shop-verify-/, { kind: 'run' });
    await platforms.ready(namespace);
  }, 60_000); // prettier-ignore
});

describe('gates', () => {
  test('hold back new pods of a service, but not its repair, until its migration is done', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, {
      stores: { postgres: VOLUME },
      services: [{ name: 'x7f3', image: 'registry.example/x:1', port: 9000, needs: [{ postgres: { database: 'x', access: 'ReadWrite' } }] }],
    });
    await platforms.ready(namespace);
    const migration = { metadata: { name: 'x-schema', namespace }, spec: { platformRef: { name: 'shop' }, engine: 'postgres' as const, database: 'x', source: { inline: [{ version: '0001', name: 'init', up: 'select pg_sleep(20)' }] } } };
    await cluster.kubelet.behave(/^x-schema-migrate/, { kind: 'hold' });
    await cluster.client.create(Migrations, migration);
    const services = [{ name: 'x7f3', image: 'registry.example/x:2', port: 9000, replicas: 2, needs: [{ postgres: { database: 'x', access: 'ReadWrite' } }], requires: [{ migration: 'x-schema', version: '1' }] }];
    await platforms.change(namespace, { services });

    const { message } = await platforms.becomes(namespace, 'ServicesAvailable', { status: 'False', reason: 'WaitingForRequirement' });
    expect(message).toContain('x7f3 keeps its old pods: Migration x-schema');
    await eventually('replicas are not held back', async () => (await cluster.client.get(Deployments, { namespace, name: 'shop-x7f3' }))?.spec?.replicas === 2);
    await cluster.client.mergePatch(Deployments, { namespace, name: 'shop-x7f3' }, { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } });
    await eventually('the old template is repaired', async () => {
      const spec = (await cluster.client.get(Deployments, { namespace, name: 'shop-x7f3' }))?.spec?.template.spec;
      return spec?.terminationGracePeriodSeconds === 30 && spec.containers[0]?.image === 'registry.example/x:1';
    });
    const images = async () => (await cluster.client.list(ReplicaSets, { namespace })).items.map(({ spec }) => spec?.template?.spec?.containers[0]?.image);
    expect(await images()).not.toContain('registry.example/x:2');

    await cluster.kubelet.behave(/^x-schema-migrate/, { kind: 'run' });
    await platforms.ready(namespace);
    expect(await images()).toContain('registry.example/x:2');
  }, 60_000); // prettier-ignore

  test('release a new image of the release only after its migrations have run from that image', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, {
      stores: { postgres: VOLUME },
      broker: { nats: VOLUME },
      services: [{ name: 'inventory' }],
    });
    await platforms.ready(namespace);
    await cluster.kubelet.behave(/^shop-inventory-migrate/, { kind: 'hold' });
    await operator.kill();
    operator = cluster.startOperator({ services: 'orderplane/services:0.1.1' });
    const { message } = await platforms.becomes(namespace, 'ServicesAvailable', {
      status: 'False',
      reason: 'WaitingForRequirement',
    });
    expect(message).toContain('Migration shop-inventory');
    await cluster.kubelet.behave(/^shop-inventory-migrate/, { kind: 'run' });
    await platforms.ready(namespace);
    const live = await cluster.client.get(Deployments, { namespace, name: 'shop-inventory' });
    expect(live?.spec?.template.spec?.containers[0]?.image).toBe('orderplane/services:0.1.1');
    await operator.kill();
    operator = cluster.startOperator();
    await platforms.ready(namespace);
  }, 60_000);
});
