import type { Engine, SeedJobSpec } from '../api/v1alpha1/index.ts';
import { hashOf } from '../runtime/hash.ts';
import type { JobDefinition } from './job.ts';
import { ownerReference } from './labels.ts';
import { ADMIN_URI_VARIABLES } from './platform-jobs.ts';
import { secretVariable } from './pod.ts';

export interface SeedRunInput {
  name: string;
  namespace: string;
  uid: string;
  spec: SeedJobSpec;
  /** Secret with the administrator's URI, by engine. */
  adminSecrets: Readonly<Partial<Record<Engine, string>>>;
  /** The stores that the datasets go to: another volume or server has none of the rows. */
  identities: readonly string[];
  operatorImage: string;
}

/** Writes the datasets. */
export function seedRun({
  name,
  namespace,
  uid,
  spec,
  adminSecrets,
  identities,
  operatorImage,
}: SeedRunInput): JobDefinition {
  const { datasets, revision } = spec;
  const inputHash = hashOf({ datasets, revision, identities });
  return {
    namespace,
    owner: ownerReference('SeedJob', name, uid),
    purpose: 'seed',
    baseName: `${name}-seed`,
    platform: spec.platformRef.name,
    command: 'seed',
    image: operatorImage,
    inputHash,
    // The uid: a SeedJob that was deleted and created again runs again.
    input: (run) => ({ datasets, inputHash, run: `${uid}/${run}` }),
    env: [...new Set(datasets.map(({ engine }) => engine))].map((engine) =>
      secretVariable(ADMIN_URI_VARIABLES[engine], adminSecrets[engine] ?? '', 'uri'),
    ),
  };
}
