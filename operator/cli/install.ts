import { Command, Option } from 'commander';
import { customResourceDefinition, KINDS } from '../api/v1alpha1/index.ts';
import { confinedTo, OPERATOR_NAME, OPERATOR_NAMESPACE, operatorInstallation } from '../resources/install.ts';
import { ConfigMaps, Deployments, Namespaces } from '../runtime/known-resources.ts';
import type { Client } from '../runtime/client.ts';
import type { KubeObject } from '../runtime/resource.ts';
import { CLI_FIELD_MANAGER, firstAnswer, withCluster, withClusterOptions, type ClusterFlags } from './cluster.ts';
import { namespaceNames } from './namespace-names.ts';
import { catalogueWith } from './plan/images.ts';

interface InstallFlags extends ClusterFlags {
  imagesFile?: string;
  namespaces?: readonly string[];
  allNamespaces?: boolean;
  dryRun?: boolean;
  output?: 'yaml' | 'json';
}

const HELP = `
Makes the custom resources, and in namespace ${OPERATOR_NAMESPACE} the operator with exactly the rights that it uses; returns once it serves. Repeat it at will: it
upgrades, and leaves alone what is as it should be. With --namespaces it has Roles in these namespaces in place of rights everywhere, and works on platforms in these
only; what it may see of the rest of the cluster are its storage classes, ingress classes, nodes, and whether there is the kind ServiceMonitor. An upgrade that names
none keeps those of before.

  orderplane install --context prod
  orderplane install --context prod --namespaces shop,books
  orderplane install -o yaml | kubectl diff -f -`;

export function installCommand(): Command {
  const command = new Command('install')
    .description('Install or upgrade the operator in a cluster')
    .option(
      '--images-file <path>',
      "YAML file with images in place of the release's, such as those of your registry, and further releases",
    )
    .addOption(
      new Option(
        '--namespaces <names>',
        'rights in these namespaces only, with commas between them; they have to exist',
      )
        .argParser(namespaceNames)
        .conflicts('allNamespaces'),
    )
    .option('-A, --all-namespaces', 'rights in all namespaces: the default where the operator is new')
    .option('--dry-run', 'ask the API server what would change, and change nothing')
    .addOption(new Option('-o, --output <format>', 'print the manifests and do nothing').choices(['yaml', 'json']))
    .addHelpText('after', HELP);
  return withClusterOptions(command, false).action(install);
}

async function install(flags: InstallFlags): Promise<void> {
  const { images, releases } = await catalogueWith(flags.imagesFile);
  const inputFor = (namespaces: readonly string[] | undefined) => ({
    operatorImage: images.operator,
    images,
    releases,
    namespaces,
  });
  const objectsFor = (namespaces: readonly string[] | undefined) => [
    ...customResources(),
    ...operatorInstallation(inputFor(namespaces)),
  ];
  if (flags.output) return print(objectsFor(flags.namespaces), flags.output);
  await withCluster(flags, async ({ client, context }) => {
    if (!flags.imagesFile) await refuseLocalImages(client);
    const namespaces = await wantedNamespaces(client, flags);
    if (flags.dryRun) {
      for (const line of await wouldChange(client, objectsFor(namespaces), namespaces)) console.log(line);
      return;
    }
    const { installOperator } = await import('@orderplane/hack/deploy/operator.ts');
    const { createProgress } = await import('@orderplane/hack/progress.ts');
    await installOperator(client, inputFor(namespaces), createProgress());
    const where = namespaces ? `, for platforms in ${namespaces.join(', ')}` : '';
    console.log(
      `\nThe operator serves in context ${context}${where}. Next: kubectl apply -f shop.yaml, then orderplane status --watch`,
    );
  });
}

/** Those of the flags, else those that it has: an upgrade does not widen what an operator may do. */
async function wantedNamespaces(client: Client, flags: InstallFlags): Promise<readonly string[] | undefined> {
  if (flags.allNamespaces) return undefined;
  const key = { namespace: OPERATOR_NAMESPACE, name: OPERATOR_NAME };
  const installed = flags.namespaces ? undefined : await client.get(Deployments, key, firstAnswer());
  const namespaces = flags.namespaces ?? (installed && confinedTo(installed));
  for (const name of namespaces ?? []) {
    if (await client.get(Namespaces, { namespace: '', name }, firstAnswer())) continue;
    throw new Error(`namespace ${name} does not exist, and the operator makes none: kubectl create namespace ${name}`);
  }
  return namespaces;
}

function customResources(): KubeObject[] {
  return Object.values(KINDS).map((kind) => customResourceDefinition(kind) as KubeObject);
}

async function print(objects: readonly KubeObject[], output: 'yaml' | 'json'): Promise<void> {
  if (output === 'json') {
    console.log(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, undefined, 2));
    return;
  }
  const { stringify } = await import('yaml');
  console.log(objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n'));
}

/** A local node runs images that were built for it: the release's own could not take their place. */
async function refuseLocalImages(client: Client): Promise<void> {
  const config = await client.get(ConfigMaps, { namespace: OPERATOR_NAMESPACE, name: OPERATOR_NAME }, firstAnswer());
  if (!config?.data?.['images.yaml']?.includes('localhost/')) return;
  throw new Error(
    'the operator in this cluster runs images that were built here: `orderplane up` brings it up to date, --images-file names others',
  );
}

async function wouldChange(
  client: Client,
  objects: readonly KubeObject[],
  namespaces: readonly string[] | undefined,
): Promise<string[]> {
  const { surplusRights } = await import('@orderplane/hack/deploy/rights.ts');
  const { resourceFinder } = await import('@orderplane/hack/deploy/manifests.ts');
  const { fieldChanges } = await import('./plan/changes.ts');
  const find = resourceFinder(client);
  const lines: string[] = [];
  for (const object of objects) {
    const resource = await find(object);
    const { namespace = '', name } = object.metadata;
    const before = await client.get(resource, { namespace, name }, firstAnswer());
    const label = labelOf(object);
    if (!before) {
      lines.push(`+ ${label}`);
      continue;
    }
    const after = await client.apply(resource, object, { dryRun: true, fieldManager: CLI_FIELD_MANAGER });
    const fields = fieldChanges(before, after);
    lines.push(
      fields.length === 0 ? `  ${label} (as it should be)` : `~ ${label}: ${fields.map(({ path }) => path).join(', ')}`,
    );
  }
  for (const { object } of await surplusRights(client, namespaces)) lines.push(`- ${labelOf(object)}`);
  return lines;
}

function labelOf({ kind, metadata: { namespace, name } }: KubeObject): string {
  return `${kind} ${namespace && namespace !== OPERATOR_NAMESPACE ? `${namespace}/` : ''}${name}`;
}
