import type { EventBus } from '../events/bus.ts';
import { type BusConfig, openBus } from '../events/jetstream/open.ts';
import { createPool, type Pool, query } from '../postgres.ts';
import type { ServiceContext } from '../service.ts';
import { startRelay } from './relay.ts';

export interface OutboxConfig extends BusConfig {
  readonly POSTGRES_URI: string;
}

/** What a service works with whose events are stored together with its rows. */
export interface OpenOutbox {
  readonly pool: Pool;
  readonly bus: EventBus;
  /** To be called after a commit that put events into the outbox. */
  stored(): void;
}

/** Stops with the service, after what the service starts later. Not ready without Postgres; events wait in the outbox while the broker is away. */
export function openOutbox(context: ServiceContext<OutboxConfig>): OpenOutbox {
  const { config, log, metrics, name, onStop, readiness } = context;
  const uri = config.POSTGRES_URI;
  const pool = createPool({ uri, name, log });
  onStop(() => pool.end());
  readiness.add({ name: 'postgres', critical: true, run: async () => void (await query(pool, 'select 1')) });
  const bus = openBus(context);
  const relay = startRelay({ pool, uri, name, publisher: bus.publisher, log, metrics });
  onStop(() => relay.stop());
  return { pool, bus, stored: () => relay.wake() };
}
