import pg from 'pg';
import type { Topic } from '@orderplane/contracts/topics.ts';
import { Counter, Gauge, type Registry } from 'prom-client';
import { backoffMs, pause } from '../backoff.ts';
import type { EventPublisher } from '../events/bus.ts';
import { type Logger, troubleLog } from '../log.ts';
import { CONNECTION, type Pool, query } from '../postgres.ts';
import { BATCH, publishPending } from './publish.ts';
import { createSignal, type Signal } from '../signal.ts';

const CHANNEL = 'outbox';
/** One relay a database: it is the session that holds this lock. */
const LOCK = `hashtext('orderplane.outbox')`;
const POLL_MS = 1000;
/** A round costs about the same for one event as for many: what comes within this of the last one goes together. */
const GATHER_MS = 20;
const RETRY = { firstMs: 100, maxMs: 2000 };

export interface Relay {
  /** To be called after a commit that put events into the outbox: they go out at once, whichever process leads. */
  wake(): void;
  stop(): Promise<void>;
}

export interface RelayOptions {
  readonly pool: Pool;
  readonly uri: string;
  readonly name: string;
  readonly publisher: EventPublisher;
  readonly log: Logger;
  readonly metrics: Registry;
  /** How often the leader looks by itself, and the others try to become it. */
  readonly pollMs?: number;
}

/**
 * Publishes what is in the outbox, oldest first, and deletes it when the broker has stored it. One process at a time does so, the one whose
 * session holds an advisory lock; a process that dies loses it with its session. Goes on for ever: whatever is
 * away, database or broker, is waited for.
 */
export function startRelay(options: RelayOptions): Relay {
  const { log, pool } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const wakeUp = createSignal();
  const state = troubleLog(log, 'publishing from the outbox');
  let leading = false;
  let failures = 0;
  const published = observeOutbox(options.metrics, pool);

  const hooks: SessionHooks = {
    signal,
    wakeUp,
    leads() {
      leading = true;
      log.info('this process publishes the outbox');
    },
    published,
    roundDone() {
      failures = 0;
      state.fine();
    },
  };
  const run = async () => {
    while (!signal.aborted) {
      try {
        await runSession(options, hooks);
      } catch (error) {
        if (!signal.aborted) state.trouble(error);
        failures += 1;
      }
      leading = false;
      await pause(backoffMs(RETRY, failures), signal);
    }
  };
  const finished = run();
  const notify = coalesced(async () => {
    // Best effort: the leader also looks by itself.
    await query(pool, `notify ${CHANNEL}`).catch(() => undefined);
  });

  return {
    // Not NOTIFY within the transaction: it would make commits queue up behind one lock.
    wake: () => (leading ? wakeUp.raise() : notify()),
    async stop() {
      stopping.abort();
      await finished;
    },
  };
}

interface SessionHooks {
  readonly signal: AbortSignal;
  readonly wakeUp: Signal;
  leads(): void;
  published(topic: Topic): void;
  /** Database and broker did what they were asked. */
  roundDone(): void;
}

/** One session with the database: waits until it leads, then publishes for as long as it lasts. Rejects when it ends. */
async function runSession(options: RelayOptions, hooks: SessionHooks): Promise<void> {
  const { signal, wakeUp } = hooks;
  const { name, publisher, uri, pollMs = POLL_MS } = options;
  const client = new pg.Client({
    ...CONNECTION,
    connectionString: uri,
    application_name: `${name}-relay`,
    query_timeout: 10_000,
  });
  client.on('notification', () => wakeUp.raise());
  // The next statement rejects.
  client.on('error', () => wakeUp.raise());
  try {
    await client.connect();
    // A deletion need not be on the disk at once, where it would keep the service's commits waiting: if a crash takes it back, its events are
    // published again under the same ids, as those of a relay that died before it deleted them.
    await client.query('set synchronous_commit = off');
    await acquireLeadership(client, pollMs, signal);
    hooks.leads();
    while (!signal.aborted) {
      await publisher.ready(signal);
      const count = await publishPending(client, publisher, hooks.published);
      hooks.roundDone();
      if (count === 0) await wakeUp.wait(pollMs, signal);
      else if (count < BATCH) await pause(GATHER_MS, signal);
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function acquireLeadership(client: pg.Client, pollMs: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ leads: boolean }>(`select pg_try_advisory_lock(${LOCK}) as leads`);
    if (rows[0]?.leads) break;
    await pause(pollMs, signal);
    signal.throwIfAborted();
  }
  await client.query(`listen ${CHANNEL}`);
}

/** At most one run at a time, and one more after it for all the calls that came meanwhile. */
function coalesced(run: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const go = async () => {
    running = true;
    do {
      again = false;
      await run();
    } while (again);
    running = false;
  };
  return () => {
    if (running) again = true;
    else void go();
  };
}

function observeOutbox(metrics: Registry, pool: Pool): (topic: Topic) => void {
  const gauge = (name: string, help: string, expression: string) =>
    new Gauge({
      name,
      help,
      registers: [metrics],
      async collect() {
        const rows = await query<{ value: number }>(pool, `select ${expression} as value from outbox`).catch(() => []);
        this.set(rows[0]?.value ?? Number.NaN);
      },
    });
  gauge('outbox_pending', 'Events that the broker has not stored yet.', 'count(*)::int');
  gauge(
    'outbox_lag_seconds',
    'Age of the oldest event that the broker has not stored yet.',
    'coalesce(extract(epoch from now() - min(created_at)), 0)::float',
  );
  const published = new Counter({
    name: 'events_published_total',
    help: 'Events that the broker has stored.',
    labelNames: ['topic'],
    registers: [metrics],
  });
  return (topic) => published.inc({ topic });
}
