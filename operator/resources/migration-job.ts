import type { MigrationSpec } from '../api/v1alpha1/index.ts';
import { hashOf } from '../runtime/hash.ts';
import { MIGRATIONS_FOLDER, type JobDefinition } from './job.ts';
import { ownerReference } from './labels.ts';
import { ownerRole } from './names.ts';

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
}

export interface MigrationJobInput {
  name: string;
  namespace: string;
  uid: string;
  spec: MigrationSpec;
  files: MigrationFiles;
  target: MigrationTarget;
  operatorImage: string;
  /** Secrets that it pulls with. */
  pullSecrets: readonly string[];
}

/** Applies what is pending. */
export function migrationJob({
  name,
  namespace,
  uid,
  spec,
  files,
  target,
  operatorImage,
  pullSecrets,
}: MigrationJobInput): JobDefinition {
  const { engine, database, policy = {} } = spec;
  const ownedByRole = engine === 'postgres' && target.isProvisioned;
  const input = {
    engine,
    database,
    ...(target.platform && { platform: target.platform }),
    source: { dir: MIGRATIONS_FOLDER },
    policy,
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
    inputHash: hashOf({ engine, database, files, identity: target.identity }),
    input: (run) => ({ ...input, run }),
    env: ownedByRole ? [{ name: 'OWNER_ROLE', value: ownerRole(database) }] : [],
    servers: [{ variable: 'ADMIN_URI', secret: target.adminSecret, isExternal: !target.isManaged }],
    migrations: files,
  };
}

/** Migrations of the spec itself as files, named as the Job reads them. */
export function inlineFiles(spec: MigrationSpec): Record<string, string> {
  const extension = spec.engine === 'postgres' ? 'sql' : 'yaml';
  return Object.fromEntries(
    (spec.source.inline ?? []).map(({ version, name, up }) => [`${version}_${name}.up.${extension}`, up]),
  );
}
