import { type PostgresOptions, startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { serviceDatabase } from '@orderplane/hack/testing/service-database.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { createPool } from '@orderplane/shared/postgres.ts';

/** A Postgres with the schema of orders, and a pool on it. */
export async function startOrdersDatabase(options: PostgresOptions = {}) {
  const postgres = await startPostgres(options);
  const uri = await serviceDatabase(postgres, 'orders');
  const pool = createPool({ uri, name: 'test', log: createLogger('test', 'silent') });
  return {
    postgres,
    uri,
    pool,
    async stop() {
      await pool.end();
      await postgres.stop();
    },
  };
}
