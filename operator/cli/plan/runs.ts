/** The Jobs that a rehearsal would start, and what those of Migrations would do to their databases. */
import type { Migration } from '../../api/v1alpha1/index.ts';
import { Migrations } from '../../api/v1alpha1/objects.ts';
import type { PlanFinding } from '../../jobs/contract.ts';
import { messageOf } from '../../jobs/failures.ts';
import { foreseeFindings } from '../../jobs/migrate/foresee.ts';
import { compareVersions } from '../../jobs/migrate/source.ts';
import { migrationsDirectory } from '../../resources/release-migrations.ts';
import { RUN_OF_LABEL } from '../../resources/labels.ts';
import type { Job } from '../../runtime/known-resources.ts';
import { keyOf } from '../../runtime/resource.ts';
import { migrationOf } from '../rehearsal/cluster-part.ts';
import { imageOfFiles, migrationFilesOf, type UpFile } from '../rehearsal/migration-files.ts';
import type { World } from '../rehearsal/world.ts';

/** A Job that would be started. */
export interface Run {
  step: number;
  purpose: string;
  job: string;
  /** What it is run for, such as `Migration shop-orders`. */
  of: string;
  /** What it would do, where that is known. */
  detail?: string;
  /** The files that it would apply, in their order, where they can be seen. */
  pending?: string[];
  /** What the rules say of them, without a look at the database. */
  findings?: PlanFinding[];
}

/** What cannot be seen is a doubt of the world's. */
export async function runOf(world: World, job: Job, step: number): Promise<Run> {
  const { name, labels = {}, ownerReferences = [] } = job.metadata;
  const [owner] = ownerReferences;
  const run = { step, purpose: labels[RUN_OF_LABEL] ?? '', job: name, of: `${owner?.kind} ${owner?.name}` };
  const migration = migrationOf(world, job);
  if (!migration) return run;
  const { engine, database, mode, toVersion = 'latest', restoreFrom } = migration.spec;
  const before = (await world.before(Migrations, keyOf(migration))) as Migration | undefined;
  const at = before?.status?.currentVersion;
  const where = `${mode === 'Plan' ? 'only a plan of ' : ''}${engine} database ${database}${at ? `, now at ${at}` : ''}`;
  if (restoreFrom) return { ...run, detail: `${where}: back to a restore point` };
  const isDown = at !== undefined && toVersion !== 'latest' && compareVersions(toVersion, at) < 0;
  if (isDown) return { ...run, detail: `${where}: down to ${toVersion}` };
  const files = await migrationFilesOf(world, job, migration);
  if (!files) {
    const { release = '' } = migration.spec.source;
    world.doubts.add(unseen(imageOfFiles(job) ?? '', release));
    return { ...run, detail: `${where}: what is pending of the files in ${imageOfFiles(job)}` };
  }
  const pending = files.filter(({ version }) => !at || compareVersions(version, at) > 0);
  const what = pending.map(({ file }) => file.replace(/\.up\.(sql|yaml)$/, '')).join(', ') || 'nothing is pending';
  const findings = await findingsOf(world, migration, pending, !at);
  return { ...run, detail: `${where}: ${what}`, pending: pending.map(({ file }) => file), ...(findings.length > 0 && { findings }) }; // prettier-ignore
}

const unseen = (image: string, service: string) =>
  `the migrations in ${image} (${migrationsDirectory(service)}) cannot be seen from here: only those of this command's own release can. Its Job refuses what destroys data unless spec.migrations.policy.destructive lets it; with RequireApproval it waits for you to look at its plan by \`orderplane migrations\``;

async function findingsOf(
  world: World,
  { metadata, spec }: Migration,
  pending: readonly UpFile[],
  isNew: boolean,
): Promise<PlanFinding[]> {
  try {
    return await foreseeFindings(spec.engine, pending, isNew);
  } catch (error) {
    world.doubts.add(`Migration ${metadata.name} would fail: ${messageOf(error)}`);
    return [];
  }
}
