import { migrationSpec, withoutDefaults, type MigrationSpec } from '../api/v1alpha1/index.ts';
import { hashOf } from '../runtime/hash.ts';
import { MIGRATIONS_FOLDER, type JobDefinition } from './job.ts';
import { ownerReference } from './labels.ts';
import { ownerRole } from './names.ts';
import { restorePointInput, restorePointPolicy, RESTORE_POINTS_FOLDER, type RestoreVolume } from './restore-points.ts';

/** Where migrations come from, resolved: the files themselves, or the image that has them. */
export type MigrationFiles =
  | { description: string; files: Readonly<Record<string, string>> }
  | { description: string; image: string; directory: string };

export interface MigrationTarget {
  /** Secret with the administrator's URI. */
  adminSecret: string;
  /** Another volume or server is another target, where everything has to be applied anew. */
  identity: string;
  /** The platform that the database belongs to; undefined for a database of the user's own. */
  platform: string | undefined;
  /** Whether the operator runs the server. */
  isManaged: boolean;
  /** Whether the operator made the database, and with it the role that owns it. */
  isProvisioned: boolean;
  /** What goes for restore points where the policy does not say. */
  restorePoint: 'Optional' | 'None';
}

export interface MigrationJobInput {
  name: string;
  namespace: string;
  uid: string;
  generation: number;
  spec: MigrationSpec;
  files: MigrationFiles;
  target: MigrationTarget;
  /** The volume for restore points; undefined where none are taken. */
  restoreVolume?: RestoreVolume | undefined;
  /** Value of the annotation that asks for another run. */
  requestedAt?: string | undefined;
  /** What the last run was given, and how it ended. */
  last?: LastRun | undefined;
  operatorImage: string;
  /** Secrets that it pulls with. */
  pullSecrets: readonly string[];
}

export interface LastRun {
  inputHash: string;
  outcome: 'Succeeded' | 'Failed';
  /** The request that it was made for, or one before it. */
  handledRequestAt: string | undefined;
}

/**
 * Brings the database to the version that is wanted, or says what that would take.
 * @param inputHash where it is known already
 */
export function migrationJob(migration: MigrationJobInput, inputHash = migrationInputHash(migration)): JobDefinition {
  const { name, namespace, uid, spec, files, target, operatorImage, pullSecrets } = migration;
  const { engine, database, mode, toVersion, baseline, approval } = spec;
  const { policy } = askedOf(spec);
  const { restoreVolume } = migration;
  const ownedByRole = engine === 'postgres' && target.isProvisioned;
  const input = {
    engine,
    database,
    ...(target.platform && { platform: target.platform }),
    source: { dir: MIGRATIONS_FOLDER },
    mode,
    toVersion,
    ...(baseline && { baseline }),
    ...(approval && { approvedPlan: approval.planHash }),
    policy,
    ...(restoreVolume && restorePointInput(migration, restoreVolume)),
  };
  return {
    namespace,
    owner: ownerReference('Migration', name, uid),
    purpose: 'migrate',
    baseName: `${name}-migrate`,
    platform: target.platform,
    command: 'migrate',
    image: operatorImage,
    pullSecrets,
    inputHash,
    input: (run) => ({ ...input, run }),
    env: ownedByRole ? [{ name: 'OWNER_ROLE', value: ownerRole(database) }] : [],
    servers: [{ variable: 'ADMIN_URI', secret: target.adminSecret, isExternal: !target.isManaged }],
    migrations: files,
    ...(restoreVolume?.claim && { volume: { claim: restoreVolume.claim, mountPath: RESTORE_POINTS_FOLDER } }),
  };
}

/**
 * Two hashes in one: of what the database is to have, and of what is allowed on the way there or was asked for by annotation. A run that
 * succeeded is good whatever is allowed now; one that failed is repeated at once when that changes. What the schema fills in by itself
 * counts for nothing, nor does the operator's image: an operator that is upgraded runs nothing.
 */
export function migrationInputHash({ spec, files, target, requestedAt, last }: MigrationJobInput): string {
  const { engine, database, restoreFrom } = spec;
  // Once a wish: whatever else changes meanwhile, a database is not taken back again.
  if (restoreFrom) return hashOf({ engine, database, identity: target.identity, restoreFrom });
  const { mode, toVersion, baseline, approval, restorePoints, policy } = askedOf(spec);
  const wanted = hashOf({ engine, database, files, identity: target.identity, mode, toVersion, baseline });
  const isRequested = requestedAt !== undefined && requestedAt !== last?.handledRequestAt;
  if (last?.outcome === 'Succeeded' && last.inputHash.startsWith(wanted) && !isRequested) return last.inputHash;
  const kept = restorePointPolicy(spec, target);
  const allowed = {
    approval,
    requestedAt,
    restorePoints,
    ...(kept !== 'None' && { restorePoint: kept }),
    ...(Object.keys(policy).length > 0 && { policy }),
  };
  return Object.values(allowed).some((value) => value !== undefined) ? `${wanted}-${hashOf(allowed)}` : wanted;
}

/** Migrations of the spec itself as files, named as the Job reads them. */
export function inlineFiles(spec: MigrationSpec): Record<string, string> {
  const extension = spec.engine === 'postgres' ? 'sql' : 'yaml';
  return Object.fromEntries(
    (spec.source.inline ?? []).flatMap(({ version, name, up, down }) => [
      [`${version}_${name}.up.${extension}`, up],
      ...(down === undefined ? [] : [[`${version}_${name}.down.${extension}`, down]]),
    ]),
  );
}

/** What a spec asks for beyond what the schema fills in by itself. Restore points go by their own rules. */
function askedOf(spec: MigrationSpec) {
  const asked = withoutDefaults(migrationSpec, spec) as Partial<MigrationSpec>;
  const { restorePoint: _, ...policy } = asked.policy ?? {};
  return { ...asked, policy };
}
