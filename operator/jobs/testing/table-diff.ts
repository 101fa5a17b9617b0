import { isDeepStrictEqual } from 'node:util';
import type { SeedCounts } from '../contract.ts';

/** Rows or documents by their key. */
export type Snapshot = ReadonlyMap<string, object>;

/** What happened between two looks at a table, from the looks alone; `rows` is how many the dataset has. */
export function diffOf(before: Snapshot, after: Snapshot, rows: number): SeedCounts {
  const had = (key: string) => before.has(key);
  const inserted = [...after.keys()].filter((key) => !had(key)).length;
  const updated = [...after].filter(([key, row]) => had(key) && !isDeepStrictEqual(before.get(key), row)).length;
  const deleted = [...before.keys()].filter((key) => !after.has(key)).length;
  return { inserted, updated, deleted, skipped: rows - inserted - updated };
}

/** What a dataset makes of a table, by the book. */
export function applied(
  before: Snapshot,
  rows: readonly { id: string }[],
  mode: 'InsertOnly' | 'Upsert' | 'Replace',
): Map<string, object> {
  const keys = new Set(rows.map(({ id }) => id));
  const after = new Map(mode === 'Replace' ? [...before].filter(([key]) => keys.has(key)) : before);
  for (const row of rows)
    if (!after.has(row.id)) after.set(row.id, row);
    else if (mode !== 'InsertOnly') after.set(row.id, { ...after.get(row.id), ...row });
  return after;
}
