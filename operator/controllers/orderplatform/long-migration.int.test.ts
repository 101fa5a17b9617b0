/** What the progress deadline makes of a migration that takes longer, on a real API server; its Job runs as a process against a real Postgres. */
import { expect, test } from '@jest/globals';
import { Migrations } from '../../api/v1alpha1/index.ts';
import { LOCK_CLASS, LOCK_OBJECTS } from '../../jobs/advisory-lock.ts';
import { findCondition } from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { platformsOf } from '../testing/platforms.ts';
import { postgresJobs } from '../testing/postgres-jobs.ts';

const DEADLINE_SECONDS = 4;
const ASLEEP_SECONDS = 10;

const { cluster, connect, target } = await postgresJobs(/-migrate-/);
const platforms = platformsOf(cluster);

test('a platform whose migration takes longer than its deadline is Stalled while that waits for a lock, and not while it is at work', async () => {
  const { namespace, database, client } = await target();
  // What the operator's own Job makes: here that one is played.
  await client.query(`CREATE ROLE ${database}_owner; ALTER DATABASE ${database} OWNER TO ${database}_owner`);
  const holder = await connect(database);
  await holder.query('SELECT pg_advisory_lock($1, $2)', [LOCK_CLASS, LOCK_OBJECTS.migrations]);
  const service = { name: 'reports', image: 'registry.example/reports:1', port: 9000 };
  await platforms.create(namespace, {
    stores: { postgres: { external: { secretRef: { name: 'db' } } } },
    services: [{ ...service, requires: [{ migration: 'slow', version: '0001' }] }],
    progressDeadlineSeconds: DEADLINE_SECONDS,
  });
  const inline = [{ version: '0001', name: 'slow', up: `select pg_sleep(${ASLEEP_SECONDS}); create table notes(id int)` }];
  await cluster.client.create(Migrations, {
    metadata: { name: 'slow', namespace },
    spec: { platformRef: { name: 'shop' }, engine: 'postgres', database, source: { inline } },
  });
  const message = /^SchemaCurrent has not got on for 4 s, .* which holds the lock/;
  await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'ProgressDeadlineExceeded', message });

  await holder.end();
  const seen = await eventually('the migration is at work, and then done', watchWork(namespace));
  expect(seen.longestMs).toBeGreaterThan((DEADLINE_SECONDS + 2) * 1_000);
  expect(seen.conditions).toEqual(new Set(['Reconciling Progressing']));
  await platforms.ready(namespace);
  await client.end();
}, 120_000); // prettier-ignore

/** What is said of the platform while its Migration is at work, from a second after that began: the platform looks at it then. */
function watchWork(namespace: string) {
  const conditions = new Set<string>();
  let since: number | undefined;
  return async () => {
    const migration = await cluster.client.get(Migrations, { namespace, name: 'slow' });
    const ready = findCondition(migration?.status?.conditions, 'Ready');
    if (ready?.status === 'True') return { conditions, longestMs: since === undefined ? 0 : performance.now() - since };
    if (ready?.reason !== 'Progressing') return undefined;
    since ??= performance.now();
    if (performance.now() - since < 1_000) return undefined;
    const { status } = await platforms.read(namespace);
    for (const { type, reason } of status?.conditions ?? []) {
      if (type === 'Stalled' || type === 'Reconciling') conditions.add(`${type} ${reason}`);
    }
    return undefined;
  };
}
