import type { EventOf } from '@orderplane/contracts/events.ts';
import type { Handled } from '@orderplane/shared/events/bus.ts';
import { inTransaction, type Pool, type Queryable } from '@orderplane/shared/postgres.ts';
import { lockStock } from '../stock/stock.ts';
import type { ReservationMetrics } from './metrics.ts';
import { decide, type Decision, type Fact, type Ordered, type Reservation } from './reservation.ts';
import { type Cause, lockExpired, lockReservation, saveDecision, type StoredReservation } from './store.ts';

export interface ReservationDeps {
  readonly pool: Pool;
  readonly metrics: ReservationMetrics;
  readonly holdForMs: number;
  readonly now: () => Date;
  /** Called when there is something to publish. */
  readonly stored: () => void;
}

export const HANDLED_TOPICS = ['order_created', 'order_confirmed', 'order_cancelled'] as const;

/** What an event about an order does to stock, once, however often and in whatever order the events come. */
export async function handleOrderEvent(
  deps: ReservationDeps,
  event: EventOf<(typeof HANDLED_TOPICS)[number]>,
): Promise<Handled> {
  const decision = await inTransaction(deps.pool, async (transaction) => {
    const before = await lockReservation(transaction, event.subject);
    const { correlationid, traceparent } = event;
    const facts = { causationId: event.id, origin: { correlationid, traceparent } };
    return decideAndSave(deps, transaction, before, factOf(event), facts);
  });
  tell(deps, decision);
  return 'done';
}

/** Gives back the pieces of one reservation that is over. False: there is none. Several instances may do so at once. */
export async function expireOne(deps: ReservationDeps): Promise<boolean> {
  const decision = await inTransaction(deps.pool, async (transaction) => {
    const before = await lockExpired(transaction, deps.now());
    if (!before) return undefined;
    const facts = { causationId: before.causedBy, origin: before.origin };
    return decideAndSave(deps, transaction, before, { type: 'expired' }, facts);
  });
  if (decision) tell(deps, decision);
  return decision !== undefined;
}

async function decideAndSave(
  { holdForMs, now }: ReservationDeps,
  transaction: Queryable,
  before: StoredReservation,
  fact: Fact,
  facts: Pick<Cause, 'causationId' | 'origin'>,
): Promise<Decision> {
  const available = await lockStock(transaction, productsOf(before.reservation, fact));
  const decision = decide(before.reservation, fact, available);
  const at = now();
  const holdUntil = new Date(at.getTime() + holdForMs);
  await saveDecision(transaction, before, decision, { ...facts, at, holdUntil });
  return decision;
}

function tell({ metrics, stored }: ReservationDeps, { changes, event }: Decision): void {
  if (event?.type === 'stock_reserved') metrics.reserved.inc();
  if (event?.type === 'stock_rejected') metrics.rejected.inc({ reason: 'out_of_stock' });
  if (event?.type === 'stock_released') metrics.released.inc({ reason: event.data.reason });
  if (event || changes.length > 0) stored();
}

function factOf(event: EventOf<(typeof HANDLED_TOPICS)[number]>): Fact {
  return event.type === 'order_created' ? { type: event.type, ordered: event.data } : { type: event.type };
}

/** All that the fact can concern. */
function productsOf({ ordered, taken }: Reservation, fact: Fact): string[] {
  const lines: Ordered['lines'] = (fact.type === 'order_created' ? fact.ordered : ordered)?.lines ?? [];
  return [...new Set([...lines, ...taken].map(({ productId }) => productId))];
}
