import type { SeedJobSpec } from '../api/v1alpha1/index.ts';
import { hashOf } from '../runtime/hash.ts';
import type { JobDefinition } from './job.ts';
import { ownerReference } from './labels.ts';

export interface SeedRunInput {
  name: string;
  namespace: string;
  uid: string;
  spec: SeedJobSpec;
  /** How to get to each store that a dataset goes to. */
  servers: NonNullable<JobDefinition['servers']>;
  /** The stores that the datasets go to: another volume or server has none of the rows. */
  identities: readonly string[];
  operatorImage: string;
  /** Secrets that it pulls with. */
  pullSecrets: readonly string[];
}

/** Writes the datasets. */
export function seedRun({
  name,
  namespace,
  uid,
  spec,
  servers,
  identities,
  operatorImage,
  pullSecrets,
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
    pullSecrets,
    inputHash,
    // The uid: a SeedJob that was deleted and created again runs again.
    input: (run) => ({ datasets, inputHash, run: `${uid}/${run}` }),
    env: [],
    servers,
  };
}
