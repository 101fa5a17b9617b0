import { Command } from 'commander';
import { KINDS } from '../api/v1alpha1/kinds.ts';
import { Migrations, OrderPlatforms, SeedJobs } from '../api/v1alpha1/objects.ts';
import { OPERATOR_NAME, OPERATOR_NAMESPACE } from '../resources/install.ts';
import type { Client } from '../runtime/client.ts';
import { isDeleting } from '../runtime/finalizer.ts';
import { isConflict, isNotFound } from '../runtime/errors.ts';
import { CustomResourceDefinitions, Deployments, Namespaces, Pods } from '../runtime/known-resources.ts';
import { defineResource, keyOf, type KubeObject, type Resource } from '../runtime/resource.ts';
import { firstAnswer, withCluster, withClusterOptions, type ClusterFlags } from './cluster.ts';
import { confirm, count } from './output.ts';

interface UninstallFlags extends ClusterFlags {
  crds?: boolean;
  yes?: boolean;
  dryRun?: boolean;
}

const HELP = `
What stays, in any case: volumes and credentials of every platform, found by the label orderplane.dev/platform. Created again, a platform takes them up.
Without --crds the platforms stay too, and what they run goes on running; nobody repairs it until \`orderplane install\`.
With --crds the custom resources go, and with the platforms their workloads. To have data deleted as spec.deletionPolicy says, delete the platforms first:
that is the operator's work.`;

export function uninstallCommand(): Command {
  const command = new Command('uninstall')
    .description('Remove the operator from a cluster; no finalizer of it is left behind')
    .option('--crds', 'remove the custom resources too: every platform goes, its data stay')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'say what would go and what would stay, and do nothing')
    .addHelpText('after', HELP);
  return withClusterOptions(command, false).action((flags: UninstallFlags) =>
    withCluster(flags, async ({ client, context }) => {
      const objects = await customObjects(client);
      const isInstalled =
        objects !== undefined || (await client.get(Namespaces, NAMESPACE, firstAnswer())) !== undefined;
      if (!isInstalled) return console.log(`Nothing of Orderplane is in the cluster of context ${context}.`);
      for (const line of intention(objects ?? [], context, flags.crds === true)) console.log(line);
      if (flags.dryRun) return;
      if (!flags.yes && !(await confirm('Go on?'))) throw new Error('nothing was removed: say --yes to go on');
      await uninstall(client, flags.crds === true);
    }),
  );
}

const NAMESPACE = { namespace: '', name: OPERATOR_NAMESPACE };
const OWN: readonly Resource[] = [SeedJobs, Migrations, OrderPlatforms];

/** Every object of our kinds; undefined where the kinds are not there. */
async function customObjects(client: Client): Promise<{ resource: Resource; object: KubeObject }[] | undefined> {
  const found: { resource: Resource; object: KubeObject }[] = [];
  let isServed = false;
  for (const resource of OWN) {
    try {
      const { items } = await client.list(resource, firstAnswer());
      isServed = true;
      found.push(...items.map((object) => ({ resource, object })));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return isServed ? found : undefined;
}

function intention(
  objects: readonly { object: KubeObject; resource: Resource }[],
  context: string,
  crds: boolean,
): string[] {
  const platforms = objects.filter(({ resource }) => resource === OrderPlatforms).map(({ object }) => object.metadata);
  const names = platforms.map(({ namespace, name }) => `${namespace}/${name}`);
  const which = names.length > 0 ? `${count(names.length, 'platform')} (${names.join(', ')})` : 'no platform';
  const operator = `the operator in namespace ${OPERATOR_NAMESPACE}, with its rights`;
  return crds
    ? [
        `From the cluster of context ${context}:`,
        `  goes    ${operator}; the custom resources; ${which}, with what they run`,
        '  stays   volumes and credentials: a platform of the same name takes them up again',
      ]
    : [
        `From the cluster of context ${context}:`,
        `  goes    ${operator}`,
        `  stays   the custom resources; ${which}, running on with nobody to repair them; volumes and credentials`,
      ];
}

async function uninstall(client: Client, crds: boolean): Promise<void> {
  const { createProgress, inStep } = await import('@orderplane/hack/progress.ts');
  const report = createProgress();
  // First of all: it would put its finalizers back.
  await inStep(report, 'operator stopped', () => stopOperator(client));
  await inStep(report, 'finalizers taken off', () => stripFinalizers(client));
  if (crds) {
    await inStep(report, 'platforms removed, with what they run', () => removeObjects(client));
    await inStep(report, 'custom resources removed', () => removeCustomResources(client));
  }
  await inStep(report, 'rights and namespace removed', () => removeInstallation(client));
}

const PATIENCE_MS = 120_000;

async function stopOperator(client: Client): Promise<void> {
  const key = { namespace: OPERATOR_NAMESPACE, name: OPERATOR_NAME };
  await client.delete(Deployments, key, { propagation: 'Foreground' });
  const labelSelector = `app.kubernetes.io/name=${OPERATOR_NAME}`;
  await gone(`the pods of ${OPERATOR_NAME}`, async () => {
    const { items } = await client.list(Pods, { namespace: OPERATOR_NAMESPACE, labelSelector });
    return items.length === 0 && (await client.get(Deployments, key)) === undefined;
  });
}

async function gone(what: string, isGone: () => Promise<boolean>): Promise<void> {
  const { until } = await import('@orderplane/hack/deploy/until.ts');
  await until(`${what} are gone`, PATIENCE_MS, undefined, async () =>
    (await isGone()) ? true : 'they are still there',
  );
}

const OURS = 'orderplane.dev/';

/** Nobody is left who would act on them: with one, an object could never be deleted. */
async function stripFinalizers(client: Client): Promise<void> {
  for (const { resource, object } of (await customObjects(client)) ?? []) await stripFrom(client, resource, object);
}

async function stripFrom(client: Client, resource: Resource, object: KubeObject): Promise<void> {
  for (let current: KubeObject | undefined = object; current; current = await client.get(resource, keyOf(object))) {
    const { finalizers = [], uid, resourceVersion } = current.metadata;
    const others = finalizers.filter((finalizer) => !finalizer.startsWith(OURS));
    if (others.length === finalizers.length) return;
    try {
      await client.mergePatch(resource, keyOf(current), { metadata: { uid, resourceVersion, finalizers: others } });
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
    }
  }
}

/**
 * In the foreground: an owner goes after what it owns. Once its kind is gone, the garbage collector cannot look an owner up any more, and
 * might leave what it owned.
 */
async function removeObjects(client: Client): Promise<void> {
  await gone('the platforms', async () => {
    // Again each time: somebody may have applied one in between.
    await stripFinalizers(client);
    const left = (await customObjects(client)) ?? [];
    for (const { resource, object } of left) {
      if (!isDeleting(object)) await client.delete(resource, keyOf(object), { propagation: 'Foreground' });
    }
    return left.length === 0;
  });
}

async function removeCustomResources(client: Client): Promise<void> {
  const names = Object.values(KINDS).map(({ plural }) => ({ namespace: '', name: `${plural}.orderplane.dev` }));
  for (const key of names) await client.delete(CustomResourceDefinitions, key);
  await gone('the custom resources', async () => {
    await stripFinalizers(client);
    const left = await Promise.all(names.map((key) => client.get(CustomResourceDefinitions, key)));
    return left.every((crd) => crd === undefined);
  });
}

const ClusterRoles = defineResource('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', {
  namespaced: false,
});
const ClusterRoleBindings = defineResource('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', { namespaced: false }); // prettier-ignore

async function removeInstallation(client: Client): Promise<void> {
  const { removeRights, surplusRights } = await import('@orderplane/hack/deploy/rights.ts');
  await removeRights(client, await surplusRights(client));
  const key = { namespace: '', name: OPERATOR_NAME };
  await client.delete(ClusterRoleBindings, key);
  await client.delete(ClusterRoles, key);
  await client.delete(Namespaces, NAMESPACE);
  await gone(`namespace ${OPERATOR_NAMESPACE} and what is in it`, async () => (await client.get(Namespaces, NAMESPACE)) === undefined); // prettier-ignore
}
