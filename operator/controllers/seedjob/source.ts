/** What the datasets of a SeedJob refer to. */
import type { SeedJobSpec } from '../../api/v1alpha1/index.ts';
import { claimsOf } from '../../resources/seed-run.ts';
import { ConfigMaps, PersistentVolumeClaims, type ConfigMap } from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { Blocked, FAULT_POLL_MS, stalled, waiting } from '../fact.ts';

/** A user's ConfigMap is not watched: this often it is looked at. */
export const CONFIG_MAP_POLL_MS = 10_000;

/** Of the rows that a run is given: they are kept in one ConfigMap, which has at most 1 MiB. */
const MAX_BYTES = 1_000_000;

interface At {
  namespace: string;
  signal: AbortSignal;
}

/** Whether what a spec refers to may change without anybody being told. */
export function hasConfigMaps({ datasets }: Pick<SeedJobSpec, 'datasets'>): boolean {
  return datasets.some(({ from }) => from?.configMapRef);
}

/** The texts of the ConfigMaps that datasets refer to, by dataset. Throws Blocked where one cannot be had. */
export async function configMapTexts(
  { client }: Pick<Deps, 'client'>,
  { datasets }: Pick<SeedJobSpec, 'datasets'>,
  { namespace, signal }: At,
): Promise<Record<string, string>> {
  const found = new Map<string, ConfigMap>();
  const texts: Record<string, string> = {};
  for (const { name: dataset, from } of datasets) {
    if (!from?.configMapRef) continue;
    const { name, key } = from.configMapRef;
    const configMap = found.get(name) ?? (await client.get(ConfigMaps, { namespace, name }, { signal }));
    if (!configMap) throw new Blocked(waiting('ConfigMapMissing', `ConfigMap ${name} does not exist`, FAULT_POLL_MS));
    found.set(name, configMap);
    texts[dataset] = textOf(configMap, key);
  }
  const bytes = Buffer.byteLength(JSON.stringify(datasets) + Object.values(texts).join(''));
  if (bytes > MAX_BYTES) {
    const much = `the rows that are inline and in ConfigMaps have ${bytes} bytes, and may have ${MAX_BYTES}`;
    throw new Blocked(stalled('InputTooLarge', `${much}: take more than one SeedJob, or a volume`, CONFIG_MAP_POLL_MS));
  }
  return texts;
}

function textOf({ metadata: { name }, data = {}, binaryData = {} }: ConfigMap, key: string): string {
  const text = data[key];
  if (text !== undefined) return text;
  const keys = Object.keys(data);
  const fault =
    key in binaryData
      ? `key ${key} of ConfigMap ${name} is binary data, and has to be text: put it under data`
      : `ConfigMap ${name} has no key ${key}: it has ${keys.length > 0 ? keys.join(', ') : 'none'}`;
  throw new Blocked(stalled('InvalidSource', fault, CONFIG_MAP_POLL_MS));
}

/** The first claim of the datasets that does not exist. A pod would wait for it without a word. */
export async function missingClaim(
  { client }: Pick<Deps, 'client'>,
  { datasets }: Pick<SeedJobSpec, 'datasets'>,
  { namespace, signal }: At,
): Promise<string | undefined> {
  for (const name of claimsOf(datasets))
    if (!(await client.get(PersistentVolumeClaims, { namespace, name }, { signal }))) return name;
  return undefined;
}
