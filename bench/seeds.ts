/** A million rows from a file into Postgres, by a seed and by COPY alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { withBundles } from '@orderplane/hack/images/bundle.ts';
import type { Progress } from '@orderplane/hack/progress.ts';
import { root } from '@orderplane/hack/root.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { JobResult, SeedCounts, SeedResult } from '../operator/jobs/contract.ts';
import { products } from '../operator/jobs/seed/products.ts';
import { figureLine, percentile } from './figures.ts';

const ROWS = 1_000_000;
const ROUNDS = 3;
const PROGRAM = join(root, 'dist/operator/orderplane.mjs');
const TABLE = 'CREATE TABLE products (id text PRIMARY KEY, name text NOT NULL, price int NOT NULL)';
const FIELDS = ['id', 'name', 'price'];

export async function benchSeeds(report: Progress): Promise<void> {
  await withBundles(['operator'], report, async () => {});
  const dir = await mkdtemp(join(tmpdir(), 'orderplane-bench-'));
  // As durable as in a platform, with the settings that it has there.
  const settings = { shared_buffers: '64MB', client_connection_check_interval: '1s' };
  const server = await startPostgres({ fsync: true, settings });
  const client = new pg.Client({ connectionString: server.uri });
  try {
    await client.connect();
    const csv = await writeProducts(join(dir, 'products.csv'), csvLine, `${FIELDS.join(',')}\n`);
    const ndjson = await writeProducts(join(dir, 'products.ndjson'), (row) => `${JSON.stringify(row)}\n`);
    await measure({ dir, uri: server.uri, client, csv, ndjson });
  } finally {
    await client.end();
    await server.stop();
    await rm(dir, { recursive: true });
  }
}

interface Bench {
  dir: string;
  uri: string;
  client: pg.Client;
  csv: string;
  ndjson: string;
}

/** Each run is compared with a COPY right before it, as other work on the machine comes and goes; the median of the rounds counts. */
async function measure(bench: Bench): Promise<void> {
  const { csv, ndjson } = bench;
  const file = (path: string) => ({ file: { path, format: path === csv ? 'csv' : 'ndjson' } });
  const generator = { generator: { kind: 'products', count: ROWS, seed: 1 } };
  const runs: Record<string, () => Promise<Measured>> = {
    'InsertOnly of the CSV file, empty table': () => seeded(bench, 'InsertOnly', file(csv), { inserted: ROWS }),
    'InsertOnly of the NDJSON file': () => seeded(bench, 'InsertOnly', file(ndjson), { inserted: ROWS }),
    'InsertOnly of the generator': () => seeded(bench, 'InsertOnly', generator, { inserted: ROWS }),
    'Upsert, empty table': () => seeded(bench, 'Upsert', file(csv), { inserted: ROWS }),
    'Upsert, every 10th row differs': () => seeded(bench, 'Upsert', file(csv), { updated: ROWS / 10 }, 10),
    'Upsert, every row differs': () => seeded(bench, 'Upsert', file(csv), { updated: ROWS }, 1),
    'Upsert, no row differs': () => seeded(bench, 'Upsert', file(csv), { skipped: ROWS }, 0),
  };
  const copies: number[] = [];
  const rounds = new Map(Object.keys(runs).map((what) => [what, [] as (Measured & { share: number })[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [what, once] of Object.entries(runs)) {
      const copy = await rawCopy(bench);
      const measured = await once();
      copies.push(copy);
      rounds.get(what)!.push({ ...measured, share: copy / measured.seconds });
    }
  }
  const raw = percentile(copies, 0.5);
  console.log(figureLine('COPY of the CSV file, nothing else', `${raw.toFixed(1)} s, ${(ROWS / raw / 1000).toFixed(0)}k rows/s`));
  for (const [what, all] of rounds) {
    const median = (of: (one: (typeof all)[number]) => number) => percentile(all.map(of), 0.5);
    const seconds = median((one) => one.seconds);
    const shares = all.map(({ share }) => `${(100 * share).toFixed(0)} %`).join(', ');
    const mib = Math.max(...all.map((one) => one.mib));
    const figures = [`${seconds.toFixed(1)} s`, `${(ROWS / seconds / 1000).toFixed(0)}k rows/s`, `${(100 * median(({ share }) => share)).toFixed(0)} % of COPY (${shares})`, `at most ${mib.toFixed(0)} MiB`];
    console.log(figureLine(what, figures.join(', ')));
  }
} // prettier-ignore

interface Measured {
  seconds: number;
  /** Memory of the Job at most. */
  mib: number;
}

/** In seconds. */
async function rawCopy({ client, csv }: Bench): Promise<number> {
  await emptyTable(client);
  const started = performance.now();
  await pipeline(createReadStream(csv, { highWaterMark: 256 * 1024 }), client.query(copyFrom('COPY products FROM STDIN (FORMAT csv, HEADER)')));
  return (performance.now() - started) / 1000;
} // prettier-ignore

async function emptyTable(client: pg.Client): Promise<void> {
  await client.query('DROP TABLE IF EXISTS products');
  await client.query(TABLE);
  await client.query('CHECKPOINT');
}

let runs = 0;

/**
 * Runs the Job as its image does, bundled, in a process of its own; its start counts as well. With `everyNth`, the table holds all rows before, and every nth of them
 * has another price.
 */
async function seeded(bench: Bench, mode: string, source: object, counts: Partial<SeedCounts>, everyNth?: number): Promise<Measured> {
  const { client, dir, uri } = bench;
  await emptyTable(client);
  if (everyNth !== undefined) {
    await pipeline(createReadStream(bench.csv), client.query(copyFrom('COPY products FROM STDIN (FORMAT csv, HEADER)')));
    if (everyNth > 0) await client.query('UPDATE products SET price = price + 1 WHERE right(id, 7)::int % $1 = 0', [everyNth]);
    await client.query('VACUUM ANALYZE products');
    await client.query('CHECKPOINT');
  }
  const [input, output] = [join(dir, 'input.json'), join(dir, 'result.json')];
  const dataset = { name: 'products', engine: 'postgres', database: 'postgres', table: 'products', key: ['id'], mode, ...source };
  await writeFile(input, JSON.stringify({ datasets: [dataset], inputHash: 'h', run: `run-${++runs}` }));
  const env = { ...process.env, ORDERPLANE_INPUT: input, ORDERPLANE_RESULT: output, POSTGRES_ADMIN_URI: uri, LOG_LEVEL: 'warn' };
  const started = performance.now();
  const job = spawn(process.execPath, [PROGRAM, 'seed'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(job, 'exit');
  const mib = await mostMemory(job.pid!);
  await ended;
  const seconds = (performance.now() - started) / 1000;
  const result = JSON.parse(await readFile(output, 'utf8')) as JobResult<SeedResult>;
  const expected = { inserted: 0, updated: 0, skipped: ROWS - (counts.updated ?? 0) - (counts.inserted ?? 0), deleted: 0, ...counts };
  const counted = result.ok ? result.datasets[0] : undefined;
  if (JSON.stringify(counted) !== JSON.stringify({ name: 'products', ...expected })) throw new Error(`the seed says ${JSON.stringify(result)}`);
  return { seconds, mib };
} // prettier-ignore

/** The most that the process ever had, as the kernel keeps it; asked for until the process ends. */
async function mostMemory(pid: number): Promise<number> {
  let most = 0;
  while (existsSync(`/proc/${pid}/status`)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const kib = /^VmHWM:\s+(\d+)/m.exec(status)?.[1];
    if (kib === undefined) break;
    most = Number(kib) / 1024;
    await delay(100);
  }
  return most;
}

async function writeProducts(path: string, line: (row: Row) => string, header = ''): Promise<string> {
  await pipeline(async function* () {
    yield header;
    for (const rows of products({ kind: 'products', count: ROWS, seed: 1 }, FIELDS, 1_000))
      yield rows.map((row) => line(row as unknown as Row)).join('');
  }, createWriteStream(path)); // prettier-ignore
  return path;
}

interface Row {
  id: string;
  name: string;
  price: number;
}

const csvLine = ({ id, name, price }: Row): string => `${id},"${name}",${price}\n`;
