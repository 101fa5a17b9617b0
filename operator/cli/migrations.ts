import { Command } from 'commander';
import type { Migration, OrderPlatform } from '../api/v1alpha1/index.ts';
import { approvalPatch, policedBy, policyPath } from '../controllers/migration/approval.ts';
import { withCluster, withClusterOptions, firstAnswer, type ClusterAccess, type ClusterFlags } from './cluster.ts';
import { drawMigration, drawTable } from './migrations/draw.ts';
import { migrationReport } from './migrations/report.ts';
import { EXIT, outputOption, paintFor, printJson, type OutputFormat } from './output.ts';
import { Migrations, OrderPlatforms } from './status/snapshot.ts';

interface MigrationsFlags extends ClusterFlags {
  output: OutputFormat;
  allNamespaces?: boolean;
  approve?: string;
}

const HELP = `
Exit codes: 0 every Migration shown is Ready for its present spec, 1 an error, 2 one is not Ready.

  orderplane migrations -n shop                    how the databases stand
  orderplane migrations shop-orders -n shop        what was applied, what would be, and what about it is dangerous
  orderplane migrations shop-orders -n shop --approve 0123456789abcdef

--approve writes the hash into the spec that has the say: the Migration's own or, for one of the release's, the platform's. Where manifests live in Git,
make that edit there instead. The hash covers the content of the files: what changes afterwards is not approved.`;

export function migrationsCommand(): Command {
  const command = new Command('migrations')
    .description('Show at which version databases are, what is pending, and what waits for a decision')
    .argument('[name]', 'name of a Migration; without one, all of the namespace')
    .option('-A, --all-namespaces', 'the Migrations of all namespaces')
    .option('--approve <hash>', 'approve the plan of this hash, as the Migration tells it')
    .addOption(outputOption())
    .addHelpText('after', HELP);
  return withClusterOptions(command).action(async (name: string | undefined, flags: MigrationsFlags) => {
    process.exitCode = await withCluster(flags, (cluster) => {
      if (flags.approve !== undefined) return approve(cluster, name, flags.approve);
      return name === undefined ? showAll(cluster, flags) : showOne(cluster, name, flags);
    });
  });
}

async function showAll({ client, namespace }: ClusterAccess, flags: MigrationsFlags): Promise<number> {
  const where = { namespace: flags.allNamespaces ? undefined : namespace, ...firstAnswer() };
  const [migrations, platforms] = await Promise.all([
    client.list(Migrations, where),
    client.list(OrderPlatforms, where),
  ]);
  if (migrations.items.length === 0)
    throw new Error(`there is no Migration in ${flags.allNamespaces ? 'this cluster' : `namespace ${namespace}: look in all with -A`}`);
  const placeOf = ({ metadata }: Migration) => `${metadata.namespace}/${metadata.name}`;
  const sorted = migrations.items.toSorted((a, b) => placeOf(a).localeCompare(placeOf(b)));
  const reports = sorted.map((migration) => {
    const isNear = ({ metadata }: OrderPlatform) => metadata.namespace === migration.metadata.namespace;
    return migrationReport(migration, platforms.items.filter(isNear));
  });
  if (flags.output === 'json') printJson(reports);
  else console.log(drawTable(reports, paintFor(process.stdout), new Date(), flags.allNamespaces).join('\n'));
  return reports.every(({ ready }) => ready) ? EXIT.ok : EXIT.unfinished;
} // prettier-ignore

async function showOne(cluster: ClusterAccess, name: string, { output }: MigrationsFlags): Promise<number> {
  const { migration, platforms } = await read(cluster, name);
  const report = migrationReport(migration, platforms);
  if (output === 'json') printJson(report);
  else console.log(drawMigration(report, paintFor(process.stdout), new Date()).join('\n'));
  return report.ready ? EXIT.ok : EXIT.unfinished;
}

/** Lets the plan of this hash be carried out: the one that was looked at, and none that came after. */
async function approve(cluster: ClusterAccess, name: string | undefined, hash: string): Promise<number> {
  if (name === undefined) throw new Error('--approve goes with the name of a Migration');
  const { migration, platforms } = await read(cluster, name);
  const { planHash } = migration.status ?? {};
  if (planHash === undefined) throw new Error(`Migration ${name} has no plan that waits`);
  if (planHash !== hash)
    throw new Error(`the plan of Migration ${name} is ${planHash}, not ${hash}: look at it (orderplane migrations ${name})`);
  const policed = policedBy(migration, (platform) => platforms.find(({ metadata }) => metadata.name === platform));
  if (migration.spec.policy?.destructive !== 'RequireApproval')
    throw new Error(`Migration ${name} asks for no approval: set ${policyPath(policed, 'destructive')} to RequireApproval first`);
  const { release, namespace } = policed;
  const [resource, object] = release ? [OrderPlatforms, release.platform] : [Migrations, migration];
  const { name: where, resourceVersion } = object.metadata;
  // The approvals of other services are in the patch as they were read: what was written meanwhile is not to be lost.
  const patch = { ...approvalPatch(policed, hash), metadata: { resourceVersion } };
  await cluster.client.mergePatch(resource as typeof Migrations, { namespace, name: where }, patch, firstAnswer());
  console.log(`Plan ${hash} is approved: ${resource.kind} ${where} says so now. Follow it with: orderplane migrations ${name} -n ${namespace}`);
  return EXIT.ok;
} // prettier-ignore

async function read(
  { client, namespace }: ClusterAccess,
  name: string,
): Promise<{ migration: Migration; platforms: OrderPlatform[] }> {
  const [migrations, platforms] = await Promise.all([
    client.list(Migrations, { namespace, ...firstAnswer() }),
    client.list(OrderPlatforms, { namespace, ...firstAnswer() }),
  ]);
  const migration = migrations.items.find(({ metadata }) => metadata.name === name);
  if (migration) return { migration, platforms: platforms.items };
  const names = migrations.items.map(({ metadata }) => metadata.name);
  const there = names.length > 0 ? `it has ${names.join(', ')}` : 'it has none';
  throw new Error(`there is no Migration "${name}" in namespace ${namespace}: ${there}`);
}
