/** An operator that was installed with rights in some namespaces only, on a real API server that holds it to them. */
import { expect, test } from '@jest/globals';
import { bindVolume } from '../controllers/testing/bind-volume.ts';
import { sharedCluster } from '../controllers/testing/shared-cluster.ts';
import {
  defineResource,
  Deployments,
  IngressClasses,
  PersistentVolumeClaims,
  StorageClasses,
  type IngressClass,
  type KubeObject,
} from '../runtime/index.ts';
import { orderplane } from './testing/run.ts';

const { cluster, platforms } = await sharedCluster();
const { client } = cluster;
const run = (...args: string[]) => orderplane([...args, '--kubeconfig', cluster.kubeconfig]);

const RBAC = 'rbac.authorization.k8s.io/v1';
type Role = KubeObject & { rules: { resources: string[] }[] };
const Roles = defineResource<Role>(RBAC, 'Role', 'roles');
const RoleBindings = defineResource(RBAC, 'RoleBinding', 'rolebindings');
const ClusterRoles = defineResource<Role>(RBAC, 'ClusterRole', 'clusterroles', { namespaced: false });

/** The namespaces that the operator has a Role in, and a binding to it. */
async function namespacesWithRights(): Promise<string[]> {
  const [roles, bindings] = await Promise.all(
    [Roles, RoleBindings].map(async (resource) => {
      const { items } = await client.list(resource, { labelSelector: 'app.kubernetes.io/name=orderplane-operator' });
      const ofPlatforms = items.filter(({ metadata }) => metadata.name === 'orderplane-platforms');
      return ofPlatforms.map(({ metadata }) => metadata.namespace ?? '').toSorted();
    }),
  );
  expect(bindings).toEqual(roles);
  return roles ?? [];
}

async function resourcesOfClusterRole(): Promise<string[]> {
  const role = await client.get(ClusterRoles, { namespace: '', name: 'orderplane-operator' });
  return (role?.rules ?? []).flatMap(({ resources }) => resources).toSorted();
}

async function watchedNamespaces(): Promise<string | undefined> {
  const key = { namespace: 'orderplane-system', name: 'orderplane-operator' };
  const deployment = await client.get(Deployments, key);
  const env = deployment?.spec?.template.spec?.containers[0]?.env ?? [];
  return env.find(({ name }) => name === 'WATCH_NAMESPACES')?.value;
}

const OUTSIDE = ['customresourcedefinitions', 'ingressclasses', 'nodes', 'storageclasses'];
const [shop, books, foreign] = [await cluster.namespace(), await cluster.namespace(), await cluster.namespace()];
const named = [shop, books].join(',');

await client.create(StorageClasses, { metadata: { name: 'rigid' }, provisioner: 'example.com/test', allowVolumeExpansion: false }); // prettier-ignore
await client.create(IngressClasses, { metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/x' } } as IngressClass);

/** A platform that asks for all that is of other kinds than a namespace has. */
const spec = (storage = '1Gi') => ({
  stores: { postgres: { managed: { storage, storageClassName: 'rigid' } } },
  services: [{ name: 'web', image: 'x', port: 9000, routes: ['/'] }],
  exposure: { ingress: { host: 'shop.example.com', className: 'nginx' } },
  observability: { metrics: {} },
});
const claim = { namespace: shop, name: 'data-shop-postgres-0' };

test('install refuses a namespace that is not there, and a name that cannot be one', async () => {
  const missing = await run('install', '--namespaces', `${shop},nowhere`);
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('kubectl create namespace nowhere')]);
  const odd = await run('install', '--namespaces', `${shop},`);
  expect([odd.code, odd.stderr]).toEqual([1, expect.stringContaining('with commas between them')]);
  expect(await watchedNamespaces()).toBeUndefined();
});

test('install gives Roles in the namespaces that are named, and an upgrade that names none keeps them', async () => {
  const dryRun = await run('install', '--namespaces', named, '--dry-run');
  expect(dryRun.stdout).toContain(`+ Role ${books}/orderplane-platforms`);
  const installed = await run('install', '--namespaces', named);
  expect([installed.code, installed.stdout]).toEqual([0, expect.stringContaining(`for platforms in ${shop}, ${books}`)]);
  const upgraded = await run('install');
  expect([upgraded.code, upgraded.stdout]).toEqual([0, expect.stringContaining(`for platforms in ${shop}, ${books}`)]);

  expect(await namespacesWithRights()).toEqual([shop, books]);
  expect(await resourcesOfClusterRole()).toEqual(OUTSIDE);
  expect(await watchedNamespaces()).toBe(named);
}, 60_000); // prettier-ignore

test('a platform comes up, changes and goes with these rights alone, and one elsewhere is not touched', async () => {
  const operator = cluster.startOperator({}, undefined, { namespaces: [shop, books] });
  await Promise.all([platforms.create(shop, spec()), platforms.create(books, spec()), platforms.create(foreign, spec())]);
  await bindVolume(client, claim, 'rigid');
  await Promise.all([platforms.ready(shop), platforms.ready(books)]);
  await platforms.change(shop, spec('2Gi'));
  const { message } = await platforms.becomes(shop, 'StoresReady', { status: 'False', reason: 'VolumeCannotGrow' });
  expect(message).toContain('StorageClass rigid does not let volumes grow');
  await platforms.change(shop, spec('1Gi'));
  await platforms.ready(shop);
  await platforms.remove(books);

  expect([...(await cluster.rights()).refused]).toEqual([]);
  expect(await cluster.writes(foreign)).toEqual([]);
  expect(await platforms.read(foreign)).toMatchObject({ status: { observedGeneration: -1 } });
  const plan = await run('plan', 'shop', '-n', foreign);
  expect(plan.stdout + plan.stderr).toContain(`the operator has rights in ${shop}, ${books} only`);
  await operator.kill();
}, 120_000); // prettier-ignore

test('without any right outside of namespaces a platform comes up as well, and says what was not looked at', async () => {
  await client.delete(ClusterRoles, { namespace: '', name: 'orderplane-operator' });
  const operator = cluster.startOperator({}, undefined, { namespaces: [shop, books] });
  await platforms.create(books, spec(), 'novels');
  await platforms.ready(books, 'novels');
  expect((await platforms.condition(books, 'Exposed', 'novels'))?.message).toContain('if the cluster has IngressClass nginx');
  expect((await platforms.condition(books, 'Monitored', 'novels'))?.message).toContain('no right to see whether');

  await platforms.change(shop, spec('2Gi'));
  const { message } = await platforms.becomes(shop, 'StoresReady', { status: 'False', reason: 'VolumeCannotGrow' });
  expect(message).toMatch(/stays at 1Gi, because the API server refuses to let it grow: .*storageclass/);
  expect((await client.get(PersistentVolumeClaims, claim))?.spec?.resources?.requests?.storage).toBe('1Gi');

  expect([...(await cluster.rights()).refused].toSorted()).toEqual([
    'get ingressclasses.networking.k8s.io nginx',
    'get storageclasses.storage.k8s.io rigid',
    'list customresourcedefinitions.apiextensions.k8s.io servicemonitors.monitoring.coreos.com',
  ]);
  await operator.kill();
}, 120_000); // prettier-ignore

test('an operator that is confined to less, or to nothing, gives back what it had; uninstall removes all of it', async () => {
  expect((await run('install', '--namespaces', shop, '--dry-run')).stdout).toContain(`- Role ${books}/orderplane-platforms`);
  await run('install', '--namespaces', shop);
  expect(await namespacesWithRights()).toEqual([shop]);
  expect(await resourcesOfClusterRole()).toEqual(OUTSIDE);

  await run('install', '--all-namespaces');
  expect(await namespacesWithRights()).toEqual([]);
  expect(await resourcesOfClusterRole()).toEqual(expect.arrayContaining([...OUTSIDE, 'deployments', 'secrets']));
  expect(await watchedNamespaces()).toBeUndefined();

  await run('install', '--namespaces', named);
  expect((await run('uninstall', '--yes')).code).toBe(0);
  expect(await namespacesWithRights()).toEqual([]);
  expect(await resourcesOfClusterRole()).toEqual([]);
}, 120_000); // prettier-ignore
