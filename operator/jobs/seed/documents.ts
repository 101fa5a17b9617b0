/** Rows as MongoDB's documents: extended JSON, so that a row can hold dates, object ids and the like. */
import { BSON, type Document } from 'mongodb';
import type { SeedDataset, SeedRow } from '../contract.ts';
import { isExactNumber } from './exact-number.ts';
import { invalidDataset } from './invalid-dataset.ts';
import { createKeySet, digestOf, type KeySet } from './key-set.ts';
import type { Source } from './source.ts';

export const toDocument = (row: SeedRow): Document => BSON.EJSON.deserialize(row as Document) as Document;

/** Numbers that MongoDB takes for equal are written alike, whatever their types. */
export const keyOf = (document: Document, key: readonly string[]): string =>
  BSON.EJSON.stringify(key.map((name) => document[name] ?? null) as unknown as Document, { relaxed: true });

export const keyFilter = (document: Document, key: readonly string[]): Document =>
  Object.fromEntries(key.map((name) => [name, document[name]]));

/** Reads all rows before the first is written; tells their keys, and a digest by which the same rows are known again. */
export async function checkRows(
  dataset: SeedDataset,
  source: Source,
  signal: AbortSignal,
): Promise<{ keys: KeySet; digest: string }> {
  const keys = createKeySet(source.total);
  let digest = digestOf('');
  let number = 0;
  for await (const batch of source.batches()) {
    signal.throwIfAborted();
    for (const row of batch) {
      number++;
      const fault = rowFault(row, dataset.key);
      if (fault) throw invalidDataset(dataset, `${await source.where(number)}: ${fault}`);
      const key = keyOf(toDocument(row), dataset.key);
      const before = keys.add(key);
      if (before === undefined) continue;
      const [here, there] = [await source.where(number), await source.where(before)];
      throw invalidDataset(dataset, `${here}: has the same key as ${there}: ${key}`);
    }
    digest = digestOf(Buffer.concat([digest, Buffer.from(JSON.stringify(batch))]));
  }
  return { keys, digest: digest.toString('hex') };
}

function rowFault(row: SeedRow, key: readonly string[]): string | undefined {
  const missing = key.find((name) => row[name] == null);
  if (missing !== undefined) return `key column "${missing}" has no value`;
  const misnamed = Object.keys(row).find((name) => name.includes('.') || name.startsWith('$'));
  if (misnamed !== undefined) return `field "${misnamed}": a field's name has no dot and no leading dollar sign; nest objects instead`;
  const tooLong = Object.keys(row).find((name) => hasExactNumber(row[name]));
  return tooLong && `field "${tooLong}": the number has more digits than a double: write {"$numberLong": "…"} or {"$numberDecimal": "…"}`;
} // prettier-ignore

const hasExactNumber = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (isExactNumber(value) || Object.values(value).some(hasExactNumber));
