import type { SeedDataset, SeedRow } from '../contract.ts';
import { openFile } from './file.ts';
import { PRODUCT_FIELDS, products } from './products.ts';

const BATCH = 1_000;

/** Where the rows of a dataset come from. It can be read again and again, and gives the same rows in the same order. */
export interface Source {
  readonly total: number;
  batches(): AsyncIterable<SeedRow[]> | Iterable<SeedRow[]>;
  /** Where people find the row of that number, counted from 1: `row 3`, or `products.csv:4`. */
  where(row: number): Promise<string>;
  /** A CSV file as it is, for those who read CSV themselves. */
  readonly csv?: {
    readonly header: readonly string[];
    /** What comes after the header. */
    bytes(): AsyncIterable<Buffer>;
    /** Where people find that line of it. */
    where(line: number): string;
  };
}

/** @param fields what the target has room for, as far as that is known; a generator makes no other */
export async function openSource(dataset: SeedDataset, fields: readonly string[] = PRODUCT_FIELDS): Promise<Source> {
  const { rows = [], file, generator } = dataset;
  if (file) return openFile(dataset, file);
  const where = (row: number) => Promise.resolve(`row ${row}`);
  if (generator) return { total: generator.count, where, batches: () => products(generator, fields, BATCH) };
  return { total: rows.length, where, batches: () => batchesOf(rows) };
}

function* batchesOf(rows: readonly SeedRow[]): Iterable<SeedRow[]> {
  for (let first = 0; first < rows.length; first += BATCH) yield rows.slice(first, first + BATCH);
}
