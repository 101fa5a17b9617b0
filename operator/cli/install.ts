import { Command, Option } from 'commander';
import { customResourceDefinition, KINDS } from '../api/v1alpha1/index.ts';
import { OPERATOR_NAME, OPERATOR_NAMESPACE, operatorInstallation } from '../resources/install.ts';
import type { Images } from '../resources/images.ts';
import { ConfigMaps } from '../runtime/known-resources.ts';
import type { Client } from '../runtime/client.ts';
import type { KubeObject } from '../runtime/resource.ts';
import { CLI_FIELD_MANAGER, firstAnswer, withCluster, withClusterOptions, type ClusterFlags } from './cluster.ts';
import { imagesWith } from './plan/images.ts';

interface InstallFlags extends ClusterFlags {
  imagesFile?: string;
  dryRun?: boolean;
  output?: 'yaml' | 'json';
}

const HELP = `
Makes the custom resources, and in namespace ${OPERATOR_NAMESPACE} the operator with exactly the rights that it uses; returns once it serves. Repeat it at will: it
upgrades, and leaves alone what is as it should be.

  orderplane install --context prod
  orderplane install -o yaml | kubectl diff -f -`;

export function installCommand(): Command {
  const command = new Command('install')
    .description('Install or upgrade the operator in a cluster')
    .option('--images-file <path>', "YAML file with images in place of the release's, such as those of your registry")
    .option('--dry-run', 'ask the API server what would change, and change nothing')
    .addOption(new Option('-o, --output <format>', 'print the manifests and do nothing').choices(['yaml', 'json']))
    .addHelpText('after', HELP);
  return withClusterOptions(command, false).action(install);
}

async function install(flags: InstallFlags): Promise<void> {
  const images = await imagesWith(flags.imagesFile);
  const objects = [...customResources(), ...operatorInstallation({ operatorImage: images.operator, images })];
  if (flags.output) return print(objects, flags.output);
  await withCluster(flags, async ({ client, context }) => {
    if (!flags.imagesFile) await refuseLocalImages(client);
    if (flags.dryRun) {
      for (const line of await wouldChange(client, objects)) console.log(line);
      return;
    }
    const { installOperator } = await import('@orderplane/hack/deploy/operator.ts');
    const { createProgress } = await import('@orderplane/hack/progress.ts');
    await installOperator(client, images as Images, createProgress());
    console.log(
      `\nThe operator serves in context ${context}. Next: kubectl apply -f shop.yaml, then orderplane status --watch`,
    );
  });
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

async function wouldChange(client: Client, objects: readonly KubeObject[]): Promise<string[]> {
  const { resourceFinder } = await import('@orderplane/hack/deploy/manifests.ts');
  const { fieldChanges } = await import('./plan/changes.ts');
  const find = resourceFinder(client);
  const lines: string[] = [];
  for (const object of objects) {
    const resource = await find(object);
    const { namespace = '', name } = object.metadata;
    const before = await client.get(resource, { namespace, name }, firstAnswer());
    const label = `${object.kind} ${name}`;
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
  return lines;
}
