/**
 * Whatever keeps a platform from coming up, `orderplane why` names it first, in the words of the one who knows it, and tells no secret.
 * All of it goes wrong at the same time, each in a platform of its own.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { OrderPlatforms, type OrderPlatform } from '@orderplane/operator/api/v1alpha1/index.ts';
import { defineResource, Deployments, Events, Pods, type KubeObject } from '@orderplane/operator/runtime/index.ts';
import { openCluster } from '../harness/cluster.ts';
import { conditionOf, holds } from '../harness/conditions.ts';
import { eventually } from '../harness/eventually.ts';
import { holdDown } from '../harness/kill.ts';
import { platformHandle, testNamespace } from '../harness/platform.ts';
import { waitForObject } from '../harness/watching.ts';

const cluster = await openCluster();
const namespace = await testNamespace(cluster, 'causes');
const namespaceOfQuota = await testNamespace(cluster, 'causes-quota');
/** At most: it ends with the tests. */
const OUTAGE_MS = 240_000;
const outage = new AbortController();
let outageIsOver: Promise<void> | undefined;

const API_VERSION = 'orderplane.dev/v1alpha1';
const namespaceOf = (name: string) => (name === 'quota' ? namespaceOfQuota : namespace);
const manifest = (apiVersion: string, kind: string, name: string, fields: object) =>
  ({ apiVersion, kind, metadata: { name, namespace: namespaceOf(name) }, ...fields }) as KubeObject;
const platform = (name: string, spec: object) => manifest(API_VERSION, 'OrderPlatform', name, { spec });
const secret = (name: string, stringData: object) => manifest('v1', 'Secret', name, { stringData });

/** A service that is one line of JavaScript. */
const running = (program: string, fields: object = {}) => ({
  services: [
    { name: 'reports', image: cluster.ownServiceImage, command: ['node', '-e', program], port: 9000, ...fields },
  ],
});
const ENDS = 'process.on("SIGTERM", () => process.exit());';
const SERVES = `${ENDS} require("net").createServer().listen(9000)`;
const UNREADY = `${ENDS} require("http").createServer((_, answer) => answer.writeHead(503).end()).listen(9000)`;
const says = (level: number, msg: string) => `console.log(${JSON.stringify(JSON.stringify({ level, msg }))})`;
const publishing = { broker: { publish: ['reports'] } };
const noSuchImage = { services: [{ name: 'reports', image: 'registry.invalid/nothing:1', port: 9000 }] };
const noSuchClass = { stores: { mongo: { managed: { storage: '1Gi', storageClassName: 'fast' } } } };
const volume = { managed: { storage: '1Gi' } };
/** Its Postgres is another platform's external one. */
const open = { networkPolicy: { enabled: false } };
const external = (name: string) => ({ stores: { postgres: { external: { secretRef: { name } } } } });

const PASSPHRASE = 'mellon-in-the-users-env';
const CARD_KEY = 'kazad-in-the-users-secret';
const LEAKS = `const { password } = new URL(process.env.BROKER_URI);
console.error(\`fatal: refused \${decodeURIComponent(password)}, then \${process.env.CARD_PASSPHRASE}, then \${process.env.CARD}\`);
process.exit(1)`;
const leaking = running(LEAKS, {
  needs: [publishing],
  env: [
    { name: 'CARD_PASSPHRASE', value: PASSPHRASE },
    { name: 'CARD', valueFrom: { secretKeyRef: { name: 'card', key: 'key' } } },
  ],
});
const badMigration = manifest(API_VERSION, 'Migration', 'prices', {
  spec: {
    platformRef: { name: 'migration' },
    engine: 'postgres',
    database: 'prices',
    source: { inline: [{ version: '0001', name: 'add_price', up: 'alter table products add column price int' }] },
  },
});

/**
 * What is wrong, in a platform of which name and spec, and what is said of it. The broker comes first: one that hangs for a minute is
 * restarted.
 */
const FAULTS: [string, string, object, RegExp][] = [
  ['a broker that is down', 'broker', { broker: { nats: volume }, ...running(SERVES, { needs: [publishing] }) }, /nats is not ready: pod broker-nats-0 is not ready: Readiness probe failed/],
  ['an image that is not there', 'image', noSuchImage, /pod image-reports-\S+ cannot pull image registry\.invalid\/nothing:1: .*no such host/],
  ['the error before a crash, whatever was logged after it', 'crash', running(`${says(60, 'no such table: orders, password=hunter22')}; for (let i = 0; i < 90; i++) ${says(20, 'handled')}; process.exit(1)`), /pod crash-reports-\S+ keeps crashing \(main: exit code 1\): no such table: orders, password=\*\*\*$/],
  ['the head of a stack', 'stack', running('null.x'), /keeps crashing \(main: exit code 1\): TypeError: Cannot read properties of null/],
  ['a storage class that does not exist', 'class', noSuchClass, /pod class-mongo-0 waits for volume claim data-class-mongo-0: storageclass\.storage\.k8s\.io "fast" not found/],
  ['a quota that refuses its pods', 'quota', running(SERVES), /cannot create pods: pods "quota-reports-\S+" is forbidden: exceeded quota: quota/],
  ['what the scheduler says of a pod that fits nowhere', 'scheduler', running(SERVES, { resources: { requests: { cpu: 500 }, limits: { cpu: 500 } } }), /cannot be scheduled: 0\/1 nodes are available: 1 Insufficient cpu/],
  ['what the kubelet says of a probe that fails', 'probe', running(UNREADY, { probes: { readiness: { path: '/ready' } } }), /pod probe-reports-\S+ is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503/],
  ['a migration that failed', 'migration', { stores: { postgres: volume }, ...open }, /Migration prices: .*0001_add_price.*relation "products" does not exist/],
  ['an external Secret with the wrong password', 'external', external('refused'), /Postgres at migration-postgres:5432 refuses the login of .*: correct the uri in Secret refused/],
  ['an external host that DNS does not know', 'dns', external('nowhere'), /Postgres at db\.nowhere\.invalid:5432 cannot be reached: getaddrinfo (ENOTFOUND|EAI_AGAIN) db\.nowhere\.invalid/],
  ['a host in a service’s own configuration that DNS does not know', 'hostname', running('require("net").connect(80, "orders.nowhere.invalid")'), /keeps crashing \(main: exit code 1\): Error: getaddrinfo (ENOTFOUND|EAI_AGAIN) orders\.nowhere\.invalid/],
]; // prettier-ignore

beforeAll(async () => {
  await refuseAllPods();
  await cluster.apply([
    secret('nowhere', { uri: 'postgres://admin:gone@db.nowhere.invalid:5432/postgres' }),
    secret('refused', { uri: 'postgres://postgres:not-the-one@migration-postgres:5432/postgres' }),
    secret('card', { key: CARD_KEY }),
    badMigration,
    ...FAULTS.map(([, name, spec]) => platform(name, spec)),
    platform('two', { ...noSuchClass, ...noSuchImage }),
    platform('leak', { broker: { nats: volume }, ...leaking }),
  ]);
  await becomes('broker', 'Ready', (found) => holds(found, 'Ready'));
  outageIsOver = holdDown(brokerContainer, OUTAGE_MS, outage.signal);
}, 150_000);

afterAll(async () => {
  outage.abort();
  await outageIsOver;
  await Promise.all([namespace, namespaceOfQuota].map((each) => cluster.dropNamespace(each)));
  await cluster.close();
});

/** Returns once the quota is in force. */
async function refuseAllPods(): Promise<void> {
  await cluster.apply([manifest('v1', 'ResourceQuota', 'quota', { spec: { hard: { pods: '0' } } })]);
  const Quotas = defineResource<KubeObject & { status?: { hard?: object } }>('v1', 'ResourceQuota', 'resourcequotas');
  const key = { namespace: namespaceOfQuota, name: 'quota' };
  const counted = { timeoutMs: 30_000, what: 'the quota to be counted' };
  await waitForObject(cluster.client, Quotas, key, (found) => found?.status?.hard, counted);
}

async function brokerContainer() {
  const pod = await cluster.client.get(Pods, { namespace, name: 'broker-nats-0' });
  const containerId = pod?.status?.containerStatuses?.[0]?.containerID;
  return containerId ? { containerId } : undefined;
}

function becomes<A>(name: string, what: string, ask: (platform: OrderPlatform | undefined) => A | false): Promise<A> {
  const key = { namespace: namespaceOf(name), name };
  return waitForObject(cluster.client, OrderPlatforms, key, ask, { timeoutMs: 90_000, what: `${name}: ${what}` });
}

/** What `orderplane why` says once the operator has found the cause. */
async function why(name: string, cause: RegExp): Promise<{ first: string; rest: string }> {
  await becomes(name, `a message like ${String(cause)}`, (found) => cause.test(conditionOf(found, 'Ready')?.message ?? ''));
  // A crash loop turns once a second here, and not at each turn the kubelet still knows how the last one ended.
  return eventually(async () => {
    const { code, stdout, stderr } = await cluster.orderplane(['why', name, '-n', namespaceOf(name)]);
    expect([code, stderr]).toEqual([2, '']);
    const [headline = '', , first = '', ...rest] = stdout.split('\n');
    expect(headline).toContain(`/${name} `);
    expect(first).toMatch(cause);
    return { first, rest: rest.join('\n') };
  }, { timeoutMs: 20_000, what: `orderplane why ${name}` });
} // prettier-ignore

describe('orderplane why', () => {
  test.each(FAULTS)('names first %s', async (_sentence, name, _spec, cause) => {
    expect((await why(name, cause)).first).toMatch(cause);
  }, 100_000); // prettier-ignore

  test('names of two causes first the one in the way, and below it the other', async () => {
    const { first, rest } = await why('two', /storageclass\.storage\.k8s\.io "fast" not found/);
    expect(first).toContain('mongo is not ready: pod two-mongo-0 waits for volume claim data-two-mongo-0');
    expect(first).not.toContain('image');
    expect(rest).toMatch(/services › reports .*cannot pull image registry\.invalid\/nothing:1/);
  }, 100_000);
});

test('passwords that a crash prints are told by nobody', async () => {
  await why('leak', /keeps crashing .*: fatal: refused \*\*\*, then \*\*\*, then \*\*\*$/);
  const password = new URL(await platformHandle(cluster, { namespace, name: 'leak' }).secret('leak-reports-nats', 'uri')).password; // prettier-ignore
  expect(password).not.toBe('');

  const commands = ['why', 'status'].flatMap((command) => [[command], [command, '-o', 'json']]);
  const answers = await Promise.all(commands.map((command) => cluster.orderplane([...command, 'leak', '-n', namespace])));
  const told = [
    ...answers.map(({ stdout, stderr }) => stdout + stderr),
    (await cluster.client.get(OrderPlatforms, { namespace, name: 'leak' }))?.status,
    (await cluster.client.list(Events, { namespace })).items,
    await cluster.kubectl(['-n', 'orderplane-system', 'logs', 'deployment/orderplane-operator']),
  ];
  for (const value of [password, decodeURIComponent(password), PASSPHRASE, CARD_KEY])
    expect(JSON.stringify(told)).not.toContain(value);
}, 100_000); // prettier-ignore

test('a version that does not come up is taken back, and its last words are told', async () => {
  await cluster.apply([platform('return', { ...running(SERVES), progressDeadlineSeconds: 10 })]);
  await becomes('return', 'Ready', (found) => holds(found, 'Ready'));
  const broken = running('process.stderr.write("fatal: this version is broken\\n"); process.exit(3)');
  await cluster.client.mergePatch(OrderPlatforms, { namespace, name: 'return' }, { spec: broken });
  const stalled = await becomes('return', 'RolloutFailed', (found) => {
    const condition = conditionOf(found, 'Stalled');
    return condition?.reason === 'RolloutFailed' && condition;
  });
  expect(stalled.message).toMatch(/reports was returned to its previous version, .*fatal: this version is broken/);
  const live = await cluster.client.get(Deployments, { namespace, name: 'return-reports' });
  expect(live?.spec?.template.spec?.containers[0]?.command).toEqual(['node', '-e', SERVES]);
  expect(live?.status?.availableReplicas).toBe(1);
}, 120_000);
