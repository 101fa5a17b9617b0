/** The command line as a process against a real API server, with a real operator that acts on what it is told. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { Migrations, OrderPlatforms, type OrderPlatform } from '../api/v1alpha1/index.ts';
import { eventually } from '../controllers/testing/eventually.ts';
import { ULTRALIGHT, VOLUME } from '../controllers/testing/platforms.ts';
import { sharedCluster } from '../controllers/testing/shared-cluster.ts';
import {
  CustomResourceDefinitions,
  defineResource,
  Deployments,
  Namespaces,
  PersistentVolumeClaims,
  Secrets,
  type KubeObject,
} from '../runtime/index.ts';
import type { Plan } from './plan/report.ts';
import { orderplane, type RunOptions } from './testing/run.ts';

const { cluster, platforms } = await sharedCluster();
let operator = cluster.startOperator();
const folder = await mkdtemp(join(tmpdir(), 'orderplane-cli-'));

afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (args: string[], options?: RunOptions) =>
  orderplane([...args, '--kubeconfig', cluster.kubeconfig], options);

async function file(name: string, ...objects: object[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, objects.map((object) => stringify(object)).join('---\n'));
  return path;
}

const manifest = (spec: object, namespace?: string, name = 'shop') => ({
  apiVersion: 'orderplane.dev/v1alpha1',
  kind: 'OrderPlatform',
  metadata: { name, ...(namespace && { namespace }) },
  spec,
});
const own = { name: 'mine', image: 'registry.example/mine:1', port: 9000 };

describe('status', () => {
  test('--wait tells what changes, and ends with 0 when the platform is Ready', async () => {
    const namespace = await cluster.namespace();
    await cluster.kubelet.behave(/^shop-mine-/, { kind: 'hold' });
    await platforms.create(namespace, { services: [own] });
    const held = Promise.withResolvers<void>();
    const waiting = run(['status', '--wait', '-n', namespace], {
      onOutput: (printed) => printed.includes('mine') && held.resolve(),
    });
    await held.promise;
    await cluster.kubelet.behave(/^shop-mine-/, { kind: 'run' });
    const { code, stdout } = await waiting;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d ✓ services › mine {2}1\/1/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/✓ Ready {2}for/);
  });

  test('--wait gives up with 2 when its time is over', async () => {
    const namespace = await cluster.namespace();
    await cluster.kubelet.behave(/^shop-slow-/, { kind: 'hold' });
    await platforms.create(namespace, { services: [{ ...own, name: 'slow' }] });
    const { code, stderr } = await run(['status', 'shop', '--wait', '--timeout', '1s', '-n', namespace]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('not Ready within 1 s')]);
  });

  test('and why name a crash with the last words of the pod, exit with 2, and keep the password in them to themselves', async () => {
    const namespace = await cluster.namespace();
    const log = '{"level":"fatal","msg":"no answer from postgres://mine:t0ps3cret@db:5432/x"}';
    await cluster.kubelet.behave(/^shop-crashing-/, { kind: 'crash', log });
    await platforms.create(namespace, { services: [{ ...own, name: 'crashing' }] });
    await platforms.becomes(namespace, 'Ready', { status: 'False', reason: 'PodFailing' });
    const [status, why, json] = await Promise.all([
      run(['status', 'shop', '-n', namespace]),
      run(['why', '-n', namespace]),
      run(['why', '-n', namespace, '-o', 'json']),
    ]);
    expect([status.code, why.code, json.code]).toEqual([2, 2, 2]);
    expect(status.stdout).toContain('✗ crashing  0/1');
    expect(why.stdout).toMatch(/keeps crashing \(main: exit code 1\): no answer from postgres:\/\/mine:/);
    expect(why.stdout).toMatch(/kubectl -n test-\d+ logs shop-crashing-\S+ --previous/);
    expect(JSON.parse(json.stdout)).toMatchObject({ name: 'shop', ready: false, reason: 'PodFailing' });
    expect(status.stdout + why.stdout + json.stdout).not.toContain('t0ps3cret');
  });

  test('says where a platform is that was looked for elsewhere, and which there are', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, {}, 'books');
    const wrongPlace = await run(['status', 'books']);
    expect([wrongPlace.code, wrongPlace.stderr]).toEqual([1, expect.stringMatching(/no OrderPlatform "books" in namespace default: try .*books -n test-/)]);
    const wrongName = await run(['why', 'boks', '-n', namespace]);
    expect([wrongName.code, wrongName.stderr]).toEqual([1, expect.stringContaining('it has books')]);
  }); // prettier-ignore
});

/** A kubeconfig that differs from the administrator's. */
async function variant(name: string, change: (config: { users: { name: string }[] }) => object): Promise<string> {
  const config = parse(await readFile(cluster.kubeconfig, 'utf8'));
  const path = join(folder, name);
  await writeFile(path, stringify({ ...config, ...change(config) }));
  return path;
}

/** A kubeconfig of the namespace's default ServiceAccount. */
async function asServiceAccount(namespace: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const answer = await eventually('the ServiceAccount exists', () =>
    cluster.client.raw(path, { method: 'POST', body }).catch(() => undefined),
  );
  const { token } = JSON.parse(answer).status;
  return variant(namespace, ({ users }) => ({ users: users.map(({ name }) => ({ name, user: { token } })) }));
}

describe('a cluster that cannot be used is told of in words:', () => {
  test('one that is not there', async () => {
    const path = await variant('nobody', () => ({ clusters: [{ name: 'controllers', cluster: { server: 'https://127.0.0.1:1' } }] })); // prettier-ignore
    const { code, stderr } = await orderplane(['status', '--kubeconfig', path]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/context "controllers" \(https:\/\/127.0.0.1:1\) cannot be reached/)]); // prettier-ignore
  });

  test('one that does not know the user', async () => {
    const path = await variant('stranger', ({ users }) => ({ users: users.map(({ name }) => ({ name, user: { token: 'nobody' } })) })); // prettier-ignore
    const { code, stderr } = await orderplane(['status', '--kubeconfig', path]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('does not accept the login of this context')]);
  });

  test('one where the user may not', async () => {
    const { code, stderr } = await orderplane(['status', '--kubeconfig', await asServiceAccount('default')]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/cannot list resource "(orderplatforms|migrations|seedjobs)"/),
    ]);
  });

  test('a context that does not exist', async () => {
    const { code, stderr } = await run(['--context', 'prod', 'status']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('there is no context "prod": choose one of controllers')]); // prettier-ignore
  });
});

describe('migrations', () => {
  test('tells what waits for a decision, and approves the plan that was looked at, and no other', async () => {
    const namespace = await cluster.namespace();
    const hash = '0123456789abcdef';
    const plan = { hash, direction: 'Up', pending: ['0002_drop.up.sql'], findings: [{ file: '0002_drop.up.sql', line: 3, rule: 'drop-column', severity: 'Destructive', statement: 'ALTER TABLE x DROP COLUMN y' }] };
    const refusal = { ok: false, reason: 'ApprovalRequired', message: 'approve it', plan };
    await cluster.kubelet.behave(/^(shop-inventory|own)-migrate/, { kind: 'result', result: refusal });
    await platforms.create(namespace, { stores: { postgres: VOLUME }, broker: { nats: VOLUME }, services: [{ name: 'inventory' }], migrations: { policy: { destructive: 'RequireApproval' } } });
    const source = { inline: [{ version: '0001', name: 'init', up: 'select 1' }] };
    const spec = { platformRef: { name: 'shop' }, engine: 'postgres' as const, database: 'own', source, policy: { destructive: 'RequireApproval' as const } };
    await cluster.client.create(Migrations, { metadata: { name: 'own', namespace }, spec });
    await eventually('both wait', async () => {
      const { items } = await cluster.client.list(Migrations, { namespace });
      return items.filter(({ status }) => status?.planHash === hash).length === 2;
    });

    const [all, one, wrong] = await Promise.all([
      run(['migrations', '-n', namespace]),
      run(['migrations', 'shop-inventory', '-n', namespace]),
      run(['migrations', 'own', '-n', namespace, '--approve', 'fedcba9876543210']),
    ]);
    expect([all.code, all.stdout]).toEqual([2, expect.stringMatching(/^own .*✗ ApprovalRequired.*\nshop-inventory .*✗ ApprovalRequired/m)]);
    expect([one.code, one.stdout]).toEqual([2, expect.stringMatching(/line 3 +Destructive +drop-column +ALTER TABLE x DROP COLUMN y/)]);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining(`the plan of Migration own is ${hash}, not fedcba9876543210`)]);

    await cluster.kubelet.behave(/^(shop-inventory|own)-migrate/, { kind: 'run' });
    for (const name of ['own', 'shop-inventory']) {
      expect(await run(['migrations', name, '-n', namespace, '--approve', hash])).toMatchObject({ code: 0, stderr: '' });
    }
    await platforms.ready(namespace);
    expect((await platforms.read(namespace)).spec.migrations?.approvals).toEqual([{ service: 'inventory', planHash: hash }]);
    const after = await run(['migrations', '-n', namespace, '-o', 'json']);
    expect([after.code, JSON.parse(after.stdout)]).toMatchObject([0, [{ name: 'own', ready: true, currentVersion: '0001' }, { name: 'shop-inventory', reason: 'UpToDate' }]]);
    expect(await run(['migrations', 'own', '-n', namespace, '--approve', hash])).toMatchObject({ code: 1, stderr: expect.stringContaining('has no plan that waits') });
  }); // prettier-ignore
});

/** Everything that is in a namespace's Secrets, plain and as it is stored. */
async function secretsOf(namespace: string): Promise<string[]> {
  const { items } = await cluster.client.list(Secrets, { namespace });
  const stored = items.flatMap(({ data }) => Object.entries(data ?? {}).flatMap(([key, value]) => (key === 'username' ? [] : value))); // prettier-ignore
  return [...stored, ...stored.map((value) => Buffer.from(value, 'base64').toString())];
}

/** What the plan says, as the audit log will say it. */
function foreseen(plan: Plan): string[] {
  const named = plan.changes.map(({ action, kind, name }) => `${action === 'delete' ? 'delete' : 'write'} ${kind} ${name}`); // prettier-ignore
  return [...named, ...plan.runs.map(({ job }) => `write Job ${job}`)].toSorted();
}

const KIND: Record<string, string> = { deployments: 'Deployment', statefulsets: 'StatefulSet', services: 'Service', serviceaccounts: 'ServiceAccount', secrets: 'Secret', jobs: 'Job', migrations: 'Migration', networkpolicies: 'NetworkPolicy', persistentvolumeclaims: 'PersistentVolumeClaim', poddisruptionbudgets: 'PodDisruptionBudget', horizontalpodautoscalers: 'HorizontalPodAutoscaler', cronjobs: 'CronJob', ingresses: 'Ingress' }; // prettier-ignore

/** What an operator has written since, in the plan's words: statuses and the inputs of Jobs aside. */
async function happened(namespace: string, before: readonly string[]): Promise<string[]> {
  const writes = (await cluster.writes(namespace)).slice(before.length);
  const lines = writes.flatMap((write) => {
    const [verb, resource = '', name] = write.split(' ');
    const kind = KIND[resource];
    return kind ? [`${verb === 'delete' ? 'delete' : 'write'} ${kind} ${name}`] : [];
  });
  return [...new Set(lines)].toSorted();
}

describe('plan', () => {
  test('foretells what the operator then does, object by object, to a new platform and to a changed one', async () => {
    const namespace = await cluster.namespace();
    const change = async (spec: object) => {
      const path = await file('change.yaml', manifest(spec));
      const { code, stdout } = await run(['plan', '-f', path, '-n', namespace, '-o', 'json']);
      const before = await cluster.writes(namespace);
      expect(code).toBe(2);
      await cluster.client.apply(OrderPlatforms, manifest(spec, namespace) as OrderPlatform, { fieldManager: 'test' });
      await platforms.ready(namespace);
      await operator.idle();
      const plan = JSON.parse(stdout) as Plan;
      return { plan, foreseen: foreseen(plan), happened: await happened(namespace, before) };
    };
    const created = await change(ULTRALIGHT);
    // Names of runs hash the volume that is not there yet, and with it what they are given.
    const unnamed = (lines: string[]) => lines.map((line) => line.replace(/-[0-9a-f]{8}-\d+$/, ''));
    expect(unnamed(created.happened)).toEqual(unnamed(created.foreseen));
    expect(created.plan).toMatchObject({ ready: true, name: 'shop' });

    const steady = await run(['plan', '-n', namespace]);
    expect([steady.code, steady.stdout]).toEqual([0, expect.stringContaining('No changes')]);

    const services = [{ name: 'gateway', env: [{ name: 'LOG_LEVEL', value: 'WARN' }] }, { name: 'inventory', replicas: 2 }, { name: 'orders' }, { name: 'order-query' }, own]; // prettier-ignore
    const changed = await change({ ...ULTRALIGHT, services });
    expect(changed.happened).toEqual(changed.foreseen);
    expect(changed.foreseen).toEqual(expect.arrayContaining(['delete Deployment shop-storefront', 'write Deployment shop-mine'])); // prettier-ignore
    const of = (name: string) => changed.plan.changes.find((each) => each.kind === 'Deployment' && each.name === name);
    expect(of('shop-gateway')).toMatchObject({ action: 'update', restarts: ['variable LOG_LEVEL'] });
    expect(of('shop-inventory')).toMatchObject({ fields: [{ path: 'spec.replicas', from: 1, to: 2 }] });
    expect(of('shop-inventory')?.restarts).toBeUndefined();
    expect(of('shop-orders')).toBeUndefined();
  }, 120_000);

  test('shows drift that is to be put back, and no value of a Secret', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, {
      stores: { postgres: VOLUME },
      broker: { nats: VOLUME },
      services: [{ name: 'inventory' }],
    });
    await platforms.ready(namespace);
    await operator.kill();
    const name = 'shop-inventory-postgres';
    const uri = Buffer.from('postgres://somebody:else@elsewhere/x').toString('base64');
    await cluster.client.mergePatch(Secrets, { namespace, name }, { data: { uri } });
    await cluster.client.mergePatch(Deployments, { namespace, name: 'shop-inventory' }, { spec: { replicas: 7 } });
    const [text, json] = await Promise.all([
      run(['plan', '-n', namespace]),
      run(['plan', '-n', namespace, '-o', 'json']),
    ]);
    expect(text.code).toBe(2);
    expect(text.stdout).toMatch(/~ Secret shop-inventory-postgres\n\s+data.uri: \(not shown\) → \(not shown\)/);
    expect(text.stdout).toMatch(/~ Deployment shop-inventory\n\s+spec.replicas: 7 → 1/);
    for (const secret of await secretsOf(namespace)) expect(text.stdout + json.stdout).not.toContain(secret);
    operator = cluster.startOperator();
    await platforms.ready(namespace);
  });

  test('is refused in the words of the API server where a field cannot change', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { stores: { postgres: VOLUME } });
    await platforms.ready(namespace);
    const path = await file('without-store.yaml', manifest({ profile: 'dev' }));
    const { code, stderr } = await run(['plan', '-f', path, '-n', namespace]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('stores cannot be removed')]);
  });

  test('says what a platform would wait for, and which migrations are pending', async () => {
    const namespace = await cluster.namespace();
    const migration = {
      apiVersion: 'orderplane.dev/v1alpha1',
      kind: 'Migration',
      metadata: { name: 'reports' },
      spec: { platformRef: { name: 'shop' }, engine: 'postgres', database: 'reports', source: { inline: [{ version: '0001', name: 'init', up: 'select 1' }, { version: '0002', name: 'more', up: 'select 2' }] } },
    }; // prettier-ignore
    const service = { ...own, requires: [{ migration: 'reports', version: '0003' }] };
    const path = await file('waits.yaml', manifest({ stores: { postgres: VOLUME }, services: [service] }), migration);
    const { code, stdout } = await run(['plan', '-f', path, '-n', namespace]);
    expect(code).toBe(2);
    expect(stdout).toContain('run migrate for Migration reports  postgres database reports: 0001_init, 0002_more');
    expect(stdout).toContain('Then it would not be Ready: 0 of 1 services are available: mine waits: Migration reports is at version 0002, and 0003 is required'); // prettier-ignore
  });

  test('tells what is pending of the files in the release’s images, and what they would destroy', async () => {
    const namespace = await cluster.namespace();
    const spec = { stores: { postgres: VOLUME }, broker: { nats: VOLUME }, services: [{ name: 'inventory' }] };
    await platforms.create(namespace, spec);
    await platforms.ready(namespace);
    // As if the database were that of a release before.
    await operator.kill();
    const status = (currentVersion: string) =>
      cluster.client.mergePatch(Migrations, { namespace, name: 'shop-inventory' }, { status: { currentVersion } }, { subresource: 'status' }); // prettier-ignore
    const path = await file('mirrored.yaml', manifest({ ...spec, images: { registry: 'mirror.example' } }));
    await status('0000');
    const behind = await run(['plan', '-f', path, '-n', namespace]);
    expect(behind.stdout).toMatch(
      /run migrate for Migration shop-inventory {2}postgres database inventory, now at 0000: 0001_\w+/,
    );
    await status('9999');
    const ahead = await run(['plan', '-f', path, '-n', namespace]);
    expect(ahead.stdout).toContain('postgres database inventory, now at 9999: nothing is pending');

    const drops = { version: '0002', name: 'drop', up: 'create table b (id int);\ndrop table a' };
    const source = { inline: [{ version: '0001', name: 'init', up: 'create table a (id int)' }, drops] };
    const own = { ...manifest({ platformRef: { name: 'shop' }, engine: 'postgres', database: 'reports', source }, undefined, 'reports'), kind: 'Migration' }; // prettier-ignore
    const dropping = await run(['plan', '-f', await file('own.yaml', own), '-n', namespace]);
    expect(dropping.stdout).not.toContain('drop-table');
    await cluster.client.create(Migrations, { ...own, metadata: { ...own.metadata, namespace }, status: undefined, spec: { ...own.spec, source: { inline: source.inline.slice(0, 1) } } } as never); // prettier-ignore
    await cluster.client.mergePatch(Migrations, { namespace, name: 'reports' }, { status: { currentVersion: '0001' } }, { subresource: 'status' }); // prettier-ignore
    const later = await run(['plan', '-f', await file('own.yaml', own), '-n', namespace]);
    expect(later.stdout).toMatch(
      /now at 0001: 0002_drop\n\s+0002_drop.up.sql:2 {2}Destructive {2}drop-table {2}drop table a/,
    );
    operator = cluster.startOperator();
    await platforms.ready(namespace);
  }, 60_000);

  test('of a user who may only read says what the API server could not be asked', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { services: [own] });
    await platforms.ready(namespace);
    const metadata = { name: 'reader' };
    const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list'] }];
    await cluster.client.create(defineResource('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', { namespaced: false }), { metadata, rules } as KubeObject);
    const binding = { metadata, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' }, subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }] };
    await cluster.client.create(defineResource('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', { namespaced: false }), binding as KubeObject);
    const path = await file('two.yaml', manifest({ services: [{ ...own, replicas: 2 }] }));
    const { code, stdout } = await orderplane(['plan', '-f', path, '-n', namespace, '--kubeconfig', await asServiceAccount(namespace)]);
    expect([code, stdout]).toEqual([2, expect.stringMatching(/spec.replicas: 1 → 2\n[^]*you may not write deployments, so the API server was not asked/)]);
  }); // prettier-ignore

  test('offline tells two versions of a file apart, and exits with 0 where they come to the same', async () => {
    const old = await file('old.yaml', manifest({ services: [own] }));
    const changed = await file('new.yaml', manifest({ services: [{ ...own, image: 'registry.example/mine:2' }] }));
    const [diff, same] = await Promise.all([
      orderplane(['plan', '--offline', '-f', changed, '--from', old]),
      orderplane(['plan', '--offline', '-f', old, '--from', old]),
    ]);
    expect(diff.stdout).toMatch(/~ Deployment shop-mine\n.*image: registry.example\/mine:1 → registry.example\/mine:2\n.*replaces its pods: image\n/); // prettier-ignore
    expect(diff.stdout).toContain('1 to change, pods replaced of shop-mine');
    expect([diff.code, same.code]).toEqual([2, 0]);
  });
});

describe('render', () => {
  const plurals: Record<string, string> = { ServiceAccount: 'serviceaccounts', NetworkPolicy: 'networkpolicies', Ingress: 'ingresses' }; // prettier-ignore
  const resourceOf = ({ apiVersion = '', kind = '' }: KubeObject) =>
    defineResource(apiVersion, kind, plurals[kind] ?? `${kind.toLowerCase()}s`);

  test('prints the same each time, all of it fit for the API server, with no password that is one', async () => {
    const namespace = await cluster.namespace();
    const example = join(import.meta.dirname, '../../examples/ultralight');
    const [first, second] = await Promise.all([1, 2].map(() => orderplane(['render', '-f', example, '--jobs'])));
    expect(first?.code).toBe(0);
    expect(first?.stdout).toBe(second?.stdout);
    const objects = parseAllDocuments(first?.stdout ?? '').map((document) => document.toJS() as KubeObject);
    expect(objects.length).toBeGreaterThan(30);
    for (const object of objects) {
      const moved = { ...object, metadata: { ...object.metadata, namespace } };
      await expect(cluster.client.create(resourceOf(object), moved, { dryRun: true })).resolves.toBeDefined();
    }
    const secrets = objects.filter(({ kind }) => kind === 'Secret') as (KubeObject & { stringData: Record<string, string> })[]; // prettier-ignore
    expect(new Set(secrets.flatMap(({ stringData }) => stringData.password ?? []))).toEqual(new Set(['generated-by-the-operator'])); // prettier-ignore
  });

  test.each<[string, object, string]>([
    ['an image that is missing', manifest({ services: [{ name: 'mine' }] }), 'needs an image'],
    ['a reserved variable', manifest({ services: [{ ...own, env: [{ name: 'POSTGRES_URI', value: 'x' }] }] }), 'use needs for connections'],
    ['a name that is too long', manifest({}, undefined, 'a-name-that-is-far-too-long'), 'at most 24 characters'],
    ['an unknown field', manifest({ servces: [] }), 'unknown field "spec.servces"'],
  ])('refuses %s as the API server does', async (_, object, words) => {
    const { code, stderr } = await orderplane(['render', '-f', '-'], { input: stringify(object) });
    expect([code, stderr]).toEqual([1, expect.stringContaining(words)]);
    const refused = cluster.client.raw('/apis/orderplane.dev/v1alpha1/namespaces/default/orderplatforms', { method: 'POST', body: object, query: { dryRun: 'All', fieldValidation: 'Strict' } });
    await expect(refused).rejects.toThrow(words);
  }); // prettier-ignore
});

describe('install and uninstall', () => {
  test('come and go any number of times, and leave no finalizer, no data lost, and nothing of the operator', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, {
      stores: { postgres: VOLUME },
      broker: { nats: VOLUME },
      services: [{ name: 'inventory' }],
    });
    await platforms.ready(namespace);
    const installed = await run(['install']);
    expect([installed.code, installed.stdout]).toEqual([0, expect.stringContaining('The operator serves')]);
    const again = await run(['install', '--dry-run']);
    expect(again.stdout.trimEnd().split('\n').filter((line) => !line.endsWith('(as it should be)'))).toEqual([]); // prettier-ignore
    // The one of the test plays the one that was installed.
    await operator.kill();

    const unasked = await run(['uninstall']);
    expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('say --yes')]);
    expect((await platforms.read(namespace)).metadata.finalizers).not.toBeUndefined();

    expect((await run(['uninstall', '--yes'])).code).toBe(0);
    expect(await cluster.client.get(Namespaces, { namespace: '', name: 'orderplane-system' })).toBeUndefined();
    const left = await cluster.client.list(OrderPlatforms);
    expect(left.items.flatMap(({ metadata }) => metadata.finalizers ?? [])).toEqual([]);
    expect(await cluster.client.get(Deployments, { namespace, name: 'shop-inventory' })).toBeDefined();
    expect((await run(['uninstall', '--yes'])).code).toBe(0);

    expect((await run(['uninstall', '--crds', '--yes'])).code).toBe(0);
    const crds = await cluster.client.list(CustomResourceDefinitions);
    expect(crds.items.filter(({ metadata }) => metadata.name.endsWith('.orderplane.dev'))).toEqual([]);
    expect(await cluster.client.get(Deployments, { namespace, name: 'shop-inventory' })).toBeUndefined();
    expect(await cluster.client.get(Secrets, { namespace, name: 'shop-postgres-admin' })).toBeDefined();
    expect(await cluster.client.get(PersistentVolumeClaims, { namespace, name: 'data-shop-postgres-0' })).toBeDefined();

    expect((await run(['uninstall', '--crds', '--yes'])).stdout).toContain('Nothing of Orderplane is in the cluster');
    const status = await run(['status', '-n', namespace]);
    expect([status.code, status.stderr]).toEqual([1, expect.stringContaining('the operator is not installed there')]);
  }, 180_000);
});
