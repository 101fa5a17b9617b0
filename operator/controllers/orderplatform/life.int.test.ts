import { describe, expect, test } from '@jest/globals';
import { Migrations, OrderPlatforms, SeedJobs } from '../../api/v1alpha1/index.ts';
import {
  Deployments,
  Events,
  findCondition,
  Jobs,
  realClock,
  Secrets,
  Services,
  StatefulSets,
  type Condition,
  type ObjectMeta,
  type Resource,
  type Secret,
} from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { ULTRALIGHT, VOLUME } from '../testing/platforms.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
let operator = cluster.startOperator();

const INVENTORY = { stores: { postgres: VOLUME }, broker: { nats: VOLUME }, services: [{ name: 'inventory' }] };
type Fields = { metadata?: ObjectMeta; spec?: unknown; data?: unknown; status?: { conditions?: Condition[] } };
const fieldsOf = async (kind: Resource, namespace: string, name: string): Promise<Fields> =>
  ((await cluster.client.get(kind, { namespace, name })) ?? {}) as Fields;
const suspended = (namespace: string) =>
  platforms.becomes(namespace, 'Suspended', { status: 'True', reason: 'Suspended' });

describe('a suspended platform', () => {
  test('is left as it is, whatever happens to it, until it goes on', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, INVENTORY);
    await platforms.ready(namespace);
    const observed = (await platforms.read(namespace)).status?.observedGeneration;
    await platforms.change(namespace, { suspend: true, profile: 'prod' });
    await suspended(namespace);
    await operator.idle();
    const before = await cluster.writes(namespace);

    await cluster.client.delete(Deployments, { namespace, name: 'shop-inventory' });
    await cluster.client.delete(Secrets, { namespace, name: 'shop-inventory-postgres' });
    await platforms.change(namespace, { profile: 'staging' });
    await operator.idle();
    const since = (await cluster.writes(namespace)).slice(before.length);
    expect(since.filter((write) => write !== 'patch orderplatforms/status shop')).toEqual([]);
    const { status } = await platforms.read(namespace);
    expect(status?.observedGeneration).toBe(observed);
    expect(findCondition(status?.conditions, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'Suspended' });

    await platforms.change(namespace, { suspend: false });
    await platforms.ready(namespace);
    expect(await platforms.condition(namespace, 'Suspended')).toBeUndefined();
    expect((await cluster.client.get(Deployments, { namespace, name: 'shop-inventory' }))?.spec?.replicas).toBe(2);
  }, 60_000);

  test('that is created so has nothing made for it, and goes when it is deleted', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { ...ULTRALIGHT, suspend: true });
    await suspended(namespace);
    await operator.idle();
    expect(new Set(await cluster.writes(namespace))).toEqual(new Set(['patch orderplatforms/status shop']));
    expect((await platforms.read(namespace)).status?.observedGeneration).toBe(-1);
    await platforms.remove(namespace);
  }, 60_000);

  test('is taken down when it is deleted', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, INVENTORY);
    await platforms.ready(namespace);
    await platforms.change(namespace, { suspend: true });
    await suspended(namespace);
    await platforms.remove(namespace);
    expect(await cluster.client.get(Deployments, { namespace, name: 'shop-inventory' })).toBeUndefined();
  }, 60_000);

  test('holds back Migrations and SeedJobs, which run once it goes on', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, INVENTORY);
    await platforms.ready(namespace);
    await platforms.change(namespace, { suspend: true });
    await suspended(namespace);
    const platformRef = { name: 'shop' };
    const source = { inline: [{ version: '0001', name: 'init', up: 'select 1' }] };
    await cluster.client.create(Migrations, { metadata: { name: 'mine', namespace }, spec: { platformRef, engine: 'postgres', database: 'inventory', source } });
    const datasets = [{ name: 'products', engine: 'postgres' as const, database: 'inventory', table: 'products', key: ['id'], mode: 'Upsert' as const, rows: [{ id: 'p1' }] }];
    await cluster.client.create(SeedJobs, { metadata: { name: 'products', namespace }, spec: { platformRef, datasets } });
    const reason = async (kind: Resource, name: string) =>
      findCondition<Condition>((await fieldsOf(kind, namespace, name)).status?.conditions, 'Ready')?.reason;
    for (const [kind, name] of [[Migrations, 'mine'], [SeedJobs, 'products']] as const)
      await eventually(`${name} waits`, async () => (await reason(kind, name)) === 'PlatformSuspended');
    await operator.idle();
    const ran = async () => (await cluster.client.list(Jobs, { namespace })).items.map(({ metadata }) => metadata.ownerReferences?.[0]?.name);
    expect(await ran()).not.toEqual(expect.arrayContaining(['mine']));
    expect(await ran()).not.toEqual(expect.arrayContaining(['products']));
    expect(await reason(Migrations, 'shop-inventory')).toBe('UpToDate');

    await platforms.change(namespace, { suspend: false });
    await platforms.ready(namespace);
    expect(await ran()).toEqual(expect.arrayContaining(['mine', 'products']));
  }, 60_000); // prettier-ignore
});

describe('the end of a platform', () => {
  test('comes in order, the reverse of its beginning, with an event for every step', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { ...INVENTORY, broker: { nats: VOLUME }, deletionPolicy: 'Delete' });
    await platforms.ready(namespace);
    await platforms.remove(namespace);
    const deleted = (await cluster.writes(namespace)).flatMap((write) => /^delete (\S+)/.exec(write)?.[1] ?? []);
    expect(deleted.filter((kind, i) => kind !== deleted[i - 1])).toEqual(['deployments', 'jobs', 'statefulsets', 'persistentvolumeclaims', 'secrets']);
    const told = async () => (await cluster.client.list(Events, { namespace })).items.flatMap(({ reason, note }) => (reason === 'TearingDown' ? [note] : []));
    const steps = ['credentials', 'jobs', 'services', 'stores', 'the broker', 'volumes'].map((what) => `deleting ${what}`);
    await eventually('every step is told of', async () => String((await told()).toSorted()) === String(steps), told);
  }, 60_000); // prettier-ignore

  test('is not held up for longer than a minute: then a warning names what is left, and data go where they are to', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { ...INVENTORY, deletionPolicy: 'Delete' });
    await platforms.ready(namespace);
    const key = { namespace, name: 'shop-inventory' };
    await cluster.client.mergePatch(Deployments, key, { metadata: { finalizers: ['test.example/hold'] } });
    await cluster.client.delete(OrderPlatforms, { namespace, name: 'shop' });
    await eventually('its end has begun', async () => Boolean((await cluster.client.get(Deployments, key))?.metadata.deletionTimestamp));
    await operator.kill();
    operator = cluster.startOperator({}, undefined, { clock: { ...realClock, now: () => new Date(Date.now() + 61_000) } });
    await eventually('the platform is gone', async () => (await platforms.find(namespace)) === undefined);
    expect((await cluster.client.list(Secrets, { namespace })).items.filter(({ metadata }) => !metadata.ownerReferences)).toEqual([]);
    await eventually('the warning is there', async () =>
      (await cluster.client.list(Events, { namespace })).items.some(({ reason, note }) => reason === 'TeardownIncomplete' && note?.includes('Deployment shop-inventory')),
    );
    await cluster.client.mergePatch(Deployments, key, { metadata: { finalizers: null } });
    await operator.kill();
    operator = cluster.startOperator();
  }, 60_000); // prettier-ignore

  test('drops nothing on external servers, and says what stays there', async () => {
    const namespace = await cluster.namespace();
    const uri = 'postgres://admin:pw@db.example:5432/postgres';
    await cluster.client.create(Secrets, { metadata: { name: 'rds', namespace }, stringData: { uri } } as Secret);
    await platforms.create(namespace, {
      stores: { postgres: { external: { secretRef: { name: 'rds' } } } },
      services: [{ name: 'reports', image: 'x', needs: [{ postgres: { database: 'reports', access: 'Owner' } }] }],
      deletionPolicy: 'Delete',
    });
    await platforms.ready(namespace);
    await platforms.remove(namespace);
    expect((await cluster.client.list(Secrets, { namespace })).items.map(({ metadata }) => metadata.name)).toEqual(['rds']);
    await eventually('the event is there', async () =>
      (await cluster.client.list(Events, { namespace })).items.some(({ reason, note }) => reason === 'TornDown' && note?.endsWith('drop them there: postgres/reports')),
    );
  }, 60_000); // prettier-ignore

  test('waits for nothing in a namespace that goes as a whole', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, INVENTORY);
    await platforms.ready(namespace);
    const held = { metadata: { finalizers: ['test.example/hold'] } };
    await cluster.client.mergePatch(Deployments, { namespace, name: 'shop-inventory' }, held);
    await cluster.client.raw(`/api/v1/namespaces/${namespace}`, { method: 'DELETE' });
    await eventually('the platform is gone', async () => (await platforms.find(namespace)) === undefined);
    expect(await cluster.client.get(Deployments, { namespace, name: 'shop-inventory' })).toBeDefined();
    await cluster.client.mergePatch(Deployments, { namespace, name: 'shop-inventory' }, { metadata: { finalizers: null } });
  }, 60_000); // prettier-ignore
});

describe('a name that is taken', () => {
  test.each([
    ['a Service', Services, 'shop-x', { spec: { ports: [{ port: 1 }] } }],
    ['a Secret with credentials', Secrets, 'shop-x-postgres', { data: { uri: 'Zm9yZWlnbg==' } }],
    ['a Secret that bears the label of the platform only', Secrets, 'shop-x-postgres', { data: { uri: 'eA==' }, metadata: { labels: { 'orderplane.dev/platform': 'shop' } } }],
    ['a StatefulSet', StatefulSets, 'shop-postgres', { spec: { serviceName: 'x', selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'x', image: 'x' }] } } } }],
  ])('%s is left alone and named, and what does not need it goes on', async (_, kind, name, body) => {
    const namespace = await cluster.namespace();
    const { metadata: labels = {}, ...rest } = body as { metadata?: object };
    const foreign = await cluster.client.create(kind as Resource, { metadata: { name, namespace, ...labels }, ...rest });
    const x = { name: 'x', image: 'registry.example/x:1', port: 9000, needs: [{ postgres: { database: 'x', access: 'ReadWrite' as const } }] };
    const free = { name: 'free', image: 'registry.example/free:1', port: 9000 };
    const needy = { ...x, name: 'needy', needs: [{ mongo: { database: 'needy' } }, ...(kind === StatefulSets ? [] : x.needs)] };
    await platforms.create(namespace, { stores: { postgres: VOLUME, mongo: VOLUME }, services: [x, free, needy] });
    const stalled = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'NameConflict' });
    expect(stalled.message).toContain(`${kind.kind} ${name} exists and is not of this platform: delete it, rename the platform, or hand it over`);
    await eventually('the others are there', async () => {
      const components = (await platforms.read(namespace)).status?.components ?? [];
      return ['free', 'needy'].every((each) => components.some((one) => one.name === each && one.ready === 1));
    }, async () => (await platforms.read(namespace)).status);
    const facets = ({ metadata, spec, data }: Fields) => [metadata?.labels, metadata?.generation, spec, data];
    expect(facets(await fieldsOf(kind, namespace, name))).toEqual(facets(foreign as Fields));

    await cluster.client.delete(kind, { namespace, name });
    await platforms.change(namespace, { profile: 'staging' });
    await platforms.ready(namespace);
  }, 60_000); // prettier-ignore

  test('by another platform, whose object it stays: shop/a-b is not shop-a/b', async () => {
    const namespace = await cluster.namespace();
    const service = (name: string) => ({ name, image: 'x', port: 9000, needs: [{ postgres: { database: 'x', access: 'ReadWrite' as const } }] });
    await platforms.create(namespace, { stores: { postgres: VOLUME }, services: [service('a-b')] });
    await platforms.ready(namespace);
    const before = await cluster.client.get(Secrets, { namespace, name: 'shop-a-b-postgres' });
    await platforms.create(namespace, { stores: { postgres: VOLUME }, services: [service('b'), service('c')] }, 'shop-a');
    const { message } = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'NameConflict' }, 'shop-a');
    expect(message).toContain('Secret shop-a-b-postgres exists and belongs to OrderPlatform shop: rename one of the two, or the service that it is for');
    await eventually('c is there', async () => Boolean(await cluster.client.get(Deployments, { namespace, name: 'shop-a-c' })));
    await operator.idle();
    expect(await cluster.client.get(Secrets, { namespace, name: 'shop-a-b-postgres' })).toEqual(before);
    await platforms.ready(namespace);
  }, 60_000); // prettier-ignore
});
