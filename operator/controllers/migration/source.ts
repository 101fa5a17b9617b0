import type { MigrationSpec } from '../../api/v1alpha1/index.ts';
import { inlineFiles, type MigrationFiles } from '../../resources/migration-job.ts';
import type { Platform } from '../../resources/platform.ts';
import { migrationsDirectory } from '../../resources/release-migrations.ts';
import { ConfigMaps, hashOf } from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { FAULT_POLL_MS, stalled, waiting, type Fact } from '../fact.ts';

/** A user's ConfigMap is not watched: this often it is looked at. */
export const CONFIG_MAP_POLL_MS = 10_000;
const MIGRATION_FILE = /^[0-9]+_.+\.(up|down)\.(sql|yaml)$/;

type Resolved = { files: MigrationFiles; fault?: never } | { files?: never; fault: Fact };

/** The migrations that a spec names, or why they cannot be had. @param platform the one that a release's service is of */
export async function migrationFiles(
  { client }: Pick<Deps, 'client'>,
  spec: MigrationSpec,
  at: { namespace: string; platform: Platform | undefined; signal: AbortSignal },
): Promise<Resolved> {
  const { configMapRef, inline, release } = spec.source;
  if (inline) return { files: { description: 'inline', files: inlineFiles(spec) } };
  if (release) return releaseFiles(release, at.platform);
  const name = configMapRef?.name ?? '';
  const found = await client.get(ConfigMaps, { namespace: at.namespace, name }, { signal: at.signal });
  if (!found) return { fault: waiting('ConfigMapMissing', `ConfigMap ${name} does not exist`, FAULT_POLL_MS) };
  const files = Object.fromEntries(Object.entries(found.data ?? {}).filter(([key]) => MIGRATION_FILE.test(key)));
  if (Object.keys(files).length === 0) {
    const extension = spec.engine === 'postgres' ? 'sql' : 'yaml';
    return {
      fault: stalled(
        'InvalidSource',
        `ConfigMap ${name} has no migration: name its keys like 0001_add_price.up.${extension}`,
        CONFIG_MAP_POLL_MS,
      ),
    };
  }
  return { files: { description: `ConfigMap ${name} (${hashOf(files).slice(0, 8)})`, files } };
}

function releaseFiles(release: string, platform: Platform | undefined): Resolved {
  const service = platform?.services.find(({ name }) => name === release);
  if (!service)
    return { fault: stalled('ServiceMissing', `source.release is ${release}, which is no service of the platform`) };
  return { files: { description: service.image, image: service.image, directory: migrationsDirectory(release) } };
}
