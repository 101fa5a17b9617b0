import { join } from 'node:path';
import { readManifests } from '@orderplane/hack/deploy/manifests.ts';
import { root } from '@orderplane/hack/root.ts';
import pg from 'pg';

interface Dataset {
  table: string;
  rows: Record<string, unknown>[];
}

/** Fills the shelves as examples/microservices does. */
export async function seedCatalogue(inventoryUri: string): Promise<void> {
  const objects = await readManifests(join(root, 'examples/microservices'));
  const seeds = objects.filter(({ kind }) => kind === 'SeedJob') as unknown as { spec: { datasets: Dataset[] } }[];
  const client = new pg.Client(inventoryUri);
  await client.connect();
  try {
    for (const { table, rows } of seeds.flatMap(({ spec }) => spec.datasets)) {
      for (const row of rows) await client.query(...insert(table, row));
    }
  } finally {
    await client.end();
  }
}

function insert(table: string, row: Record<string, unknown>): [sql: string, values: unknown[]] {
  const columns = Object.keys(row);
  const values = columns.map((_, index) => `$${index + 1}`);
  const [key] = columns;
  const changes = columns.map((column) => `${column} = excluded.${column}`).join();
  return [
    `insert into ${table} (${columns.join()}) values (${values.join()}) on conflict (${key}) do update set ${changes}`,
    Object.values(row),
  ];
}
