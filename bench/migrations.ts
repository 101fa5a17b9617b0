/** One Migration of many files with nothing to do, as its Job does it: the operator's bundle, in a process of its own, on a real Postgres. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withBundles } from '@orderplane/hack/images/bundle.ts';
import type { Progress } from '@orderplane/hack/progress.ts';
import { root } from '@orderplane/hack/root.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { temporaryFolder } from '@orderplane/hack/testing/temporary-folder.ts';
import type { JobResult, MigrateResult } from '../operator/jobs/contract.ts';
import { latencyLine } from './figures.ts';

const FILES = 200;
const RUNS = 10;

export async function benchMigrations(report: Progress): Promise<void> {
  await withBundles(['operator'], report, async () => {});
  const folder = await temporaryFolder('orderplane-bench-migrations-');
  const server = await startPostgres({ fsync: true });
  try {
    const dir = join(folder.path, 'source');
    await mkdir(dir);
    for (let number = 1; number <= FILES; number++) {
      const version = String(number).padStart(4, '0');
      await writeFile(join(dir, `${version}_table.up.sql`), tableOf(number));
    }
    const first = await runJob(server.uri, folder.path, dir);
    if (first.applied !== FILES) throw new Error(`the first run applied ${first.applied} of ${FILES} files`);
    console.log(`all ${FILES} files, each a transaction: ${Math.round(first.ms)} ms`);
    const idle: number[] = [];
    for (let i = 0; i < RUNS; i++) {
      const { ms, applied } = await runJob(server.uri, folder.path, dir);
      if (applied !== 0) throw new Error(`a run with nothing to do applied ${applied} files`);
      idle.push(ms);
    }
    console.log(latencyLine(`${FILES} files and nothing to do, the whole process`, idle));
  } finally {
    await server.stop();
    await folder.remove();
  }
}

function tableOf(number: number): string {
  const columns = Array.from({ length: 20 }, (_, i) => `  column_${i} text not null default ''`);
  return `create table table_${number} (\n  id bigint primary key,\n${columns.join(',\n')}\n);\ncreate index on table_${number} (column_1);\n`;
}

let runs = 0;

async function runJob(uri: string, folder: string, dir: string): Promise<{ ms: number; applied: number }> {
  const [input, output] = [join(folder, 'input.json'), join(folder, 'result.json')];
  await writeFile(
    input,
    JSON.stringify({ engine: 'postgres', database: 'postgres', source: { dir }, run: `bench-${++runs}` }),
  );
  const startedAt = performance.now();
  await promisify(execFile)(process.execPath, [join(root, 'dist/operator/orderplane.mjs'), 'migrate'], {
    env: { NODE_ENV: 'production', ADMIN_URI: uri, ORDERPLANE_INPUT: input, ORDERPLANE_RESULT: output },
  });
  const ms = performance.now() - startedAt;
  const result = JSON.parse(await readFile(output, 'utf8')) as JobResult<MigrateResult>;
  if (!result.ok) throw new Error(result.message);
  return { ms, applied: result.appliedByThisRun };
}
