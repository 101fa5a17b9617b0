/** One run of a SeedJob: what counts as another input, what a person confirms, and what the Job is told. */
import { seedDatasets, withoutDefaults, type SeedJobSpec, type SeedRun } from '../api/v1alpha1/index.ts';
import { hashOf } from '../runtime/hash.ts';
import { claimFolder, filePath, type JobDefinition } from './job.ts';
import { ownerReference } from './labels.ts';

export type SeedTrigger = NonNullable<SeedRun['trigger']>;

/** What a run is for: noted on its Job, so that whoever finds it knows. */
export interface SeedOccasion {
  trigger: SeedTrigger;
  inputHash: string;
  /** The request that it deals with. */
  requestedAt?: string | undefined;
  /** When it was due, for a scheduled run. */
  scheduledFor?: string | undefined;
}

/** Tells the Jobs of a SeedJob by their label. */
export const SEED_PURPOSE = 'seed';

/** On a Job: what it is for, as JSON. */
export const OCCASION_ANNOTATION = 'orderplane.dev/occasion';

export interface SeedData {
  datasets: SeedJobSpec['datasets'];
  revision: string | undefined;
  /** The stores that the datasets go to: another volume or server has none of the rows. */
  identities: readonly string[];
  /** The texts of ConfigMaps, by dataset. */
  texts: Readonly<Record<string, string>>;
}

/**
 * What a seed writes, as a hash: as long as it is the same there is nothing to do. Neither schedule nor confirm nor image is part of it,
 * nor is what a newer schema fills in by itself.
 */
export function seedInputHash({ datasets, revision, identities, texts }: SeedData): string {
  const data = Object.keys(texts).length > 0 ? texts : undefined;
  return hashOf({ datasets: withoutDefaults(seedDatasets, datasets), revision, identities, data });
}

/** Names a run: a run that succeeded is not repeated for the same one. */
export function occasionHash({ trigger, inputHash, requestedAt, scheduledFor }: SeedOccasion): string {
  if (trigger === 'Spec') return inputHash;
  return hashOf({ inputHash, ...(trigger === 'Request' ? { requestedAt } : { scheduledFor }) });
}

/** What a person sets to let this input delete rows. Of another SeedJob, or another input, it is another one. */
export function confirmToken(uid: string, inputHash: string): string {
  return hashOf({ confirms: inputHash, uid }).slice(0, 8);
}

/** Whether a seed deletes rows, and so has to be confirmed. */
export function deletesRows({ datasets }: Pick<SeedJobSpec, 'datasets'>): boolean {
  return datasets.some(({ mode }) => mode === 'Replace');
}

/** The claims that datasets are read from, each once. */
export function claimsOf(datasets: SeedJobSpec['datasets']): string[] {
  return [...new Set(datasets.flatMap(({ from }) => from?.volume?.claimName ?? []))].sort();
}

export interface SeedRunInput {
  name: string;
  namespace: string;
  uid: string;
  spec: SeedJobSpec;
  occasion: SeedOccasion;
  /** The texts of ConfigMaps, by dataset. */
  texts: SeedData['texts'];
  /** How to get to each store that a dataset goes to. */
  servers: NonNullable<JobDefinition['servers']>;
  operatorImage: string;
  /** Secrets that it pulls with. */
  pullSecrets: readonly string[];
}

/** Writes the datasets. */
export function seedRun(input: SeedRunInput): JobDefinition {
  const { name, namespace, uid, spec, occasion, texts, servers, operatorImage, pullSecrets } = input;
  const files = spec.datasets.flatMap((dataset) => {
    const text = texts[dataset.name];
    return text === undefined ? [] : [[fileName(dataset), text] as const];
  });
  return {
    namespace,
    owner: ownerReference('SeedJob', name, uid),
    purpose: SEED_PURPOSE,
    baseName: `${name}-seed`,
    platform: spec.platformRef.name,
    command: 'seed',
    image: operatorImage,
    pullSecrets,
    inputHash: occasionHash(occasion),
    annotations: { [OCCASION_ANNOTATION]: JSON.stringify(occasion) },
    input: (run) => ({
      datasets: spec.datasets.map(toldDataset),
      inputHash: occasion.inputHash,
      // The uid: a SeedJob that was deleted and created again runs again.
      run: `${uid}/${run}`,
      ...(deletesRows(spec) && { confirmed: true }),
    }),
    env: [],
    servers,
    ...(files.length > 0 && { files: Object.fromEntries(files) }),
    readsClaims: claimsOf(spec.datasets),
  };
}

type Dataset = SeedJobSpec['datasets'][number];

const formatOf = (path: string) => (path.endsWith('.csv') ? 'csv' : 'ndjson');

function fileName({ name, from }: Dataset): string {
  return `${name}.${formatOf(from?.configMapRef?.key ?? '')}`;
}

/** A dataset as the Job is told it (see `seedInput` of the contract): what the spec refers to is a file there. */
function toldDataset({ from, ...dataset }: Dataset): object {
  if (!from) return dataset;
  const { volume, configMapRef, generator } = from;
  if (generator) return { ...dataset, generator };
  const path = volume ? `${claimFolder(volume.claimName)}/${volume.path}` : filePath(fileName({ ...dataset, from }));
  return { ...dataset, file: { path, format: formatOf(volume?.path ?? configMapRef?.key ?? '') } };
}
