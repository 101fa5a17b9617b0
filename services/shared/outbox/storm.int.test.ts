import { expect, test } from '@jest/globals';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { serviceDatabase } from '@orderplane/hack/testing/service-database.ts';
import { chance } from '@orderplane/operator/controllers/testing/chance.ts';
import { outboxStorm } from './testing/storm.ts';

const EVENTS = 50_000;

test('of 32 writers with aborted and idle transactions, every committed event is published, once and in its order', async () => {
  const { seed, below } = chance();
  const postgres = await startPostgres();
  try {
    const uri = await serviceDatabase(postgres, 'orders');
    const storm = await outboxStorm({ uri, events: EVENTS, below });
    expect({ seed, ...storm }).toEqual({
      seed,
      committed: EVENTS,
      aborted: expect.any(Number),
      idled: expect.any(Number),
      skipped: 0,
      doubled: 0,
      overtaken: 0,
      invented: 0,
    });
    expect(storm.aborted).toBeGreaterThan(50);
    expect(storm.idled).toBeGreaterThan(20);
  } finally {
    await postgres.stop();
  }
}, 600_000);
