import type { EventOf } from '@orderplane/contracts/events.ts';

/** What is ordered, and what the next step of the saga needs to know of it. */
export type Ordered = EventOf<'order_created'>['data'];

export interface Pieces {
  readonly productId: string;
  readonly qty: number;
}

/**
 * What has become of an order's pieces. `expected`: nothing was asked for yet; `held`: set aside; `committed`: out of the house; the others hold nothing,
 * since the order was cancelled, took too long, or wanted more than there was.
 */
export interface Reservation {
  readonly status: 'expected' | 'held' | 'committed' | 'released' | 'expired' | 'rejected';
  readonly isConfirmed: boolean;
  readonly isCancelled: boolean;
  readonly ordered?: Ordered | undefined;
  /** What was taken from stock: the lines whose product's stock is kept. */
  readonly taken: readonly Pieces[];
}

export type Fact =
  | { readonly type: 'order_created'; readonly ordered: Ordered }
  | { readonly type: 'order_confirmed' }
  | { readonly type: 'order_cancelled' }
  /** Its time to be held is over. */
  | { readonly type: 'expired' };

/** Of the products whose stock is kept: how many can still be ordered. */
export type Available = ReadonlyMap<string, number>;

/** A change of one product's stock. */
export interface StockChange extends Pieces {
  readonly cause: 'reserved' | 'released' | 'committed' | 'returned';
}

export type StockEvent =
  | { readonly type: 'stock_reserved' }
  | { readonly type: 'stock_rejected'; readonly data: EventOf<'stock_rejected'>['data'] }
  | { readonly type: 'stock_released'; readonly data: EventOf<'stock_released'>['data'] };

export interface Decision {
  readonly next: Reservation;
  readonly changes: readonly StockChange[];
  readonly event?: StockEvent;
}

export const EXPECTED: Reservation = { status: 'expected', isConfirmed: false, isCancelled: false, taken: [] };

/**
 * What a fact about an order leads to. Facts come in any order and any number of times; what was true already changes nothing. Cancelled is
 * final, and wins over whatever comes before or after it.
 */
export function decide(reservation: Reservation, fact: Fact, available: Available): Decision {
  switch (fact.type) {
    case 'order_created':
      return create(reservation, fact.ordered, available);
    case 'order_confirmed':
      return confirm(reservation, available);
    case 'order_cancelled':
      return cancel({ ...reservation, isCancelled: true });
    case 'expired':
      return reservation.status === 'held' ? giveBack(reservation, 'expired') : unchanged(reservation);
  }
}

function create(before: Reservation, ordered: Ordered, available: Available): Decision {
  if (before.ordered) return unchanged(before);
  const reservation = { ...before, ordered };
  if (reservation.isCancelled) return unchanged({ ...reservation, status: 'released' });
  const reserved = reserve(reservation, ordered, available);
  return reservation.isConfirmed ? andThen(reserved, commit) : reserved;
}

function confirm(before: Reservation, available: Available): Decision {
  const reservation = { ...before, isConfirmed: true };
  const { status, ordered } = reservation;
  if (status === 'held') return commit(reservation);
  // Its pieces went back to stock: whether there are still enough is to be seen again.
  if (status === 'expired' && ordered && !reservation.isCancelled) {
    return andThen(reserve(reservation, ordered, available), commit);
  }
  return unchanged(reservation);
}

function cancel(reservation: Reservation): Decision {
  if (reservation.status === 'held' || reservation.status === 'committed') {
    return giveBack(reservation, 'order_cancelled');
  }
  return unchanged(reservation);
}

/** All lines, or none. */
function reserve(reservation: Reservation, { lines }: Ordered, available: Available): Decision {
  const wanted = new Map<string, number>();
  for (const { productId, qty } of lines) wanted.set(productId, (wanted.get(productId) ?? 0) + qty);
  const taken: Pieces[] = [];
  for (const [productId, qty] of wanted) {
    const left = available.get(productId);
    if (left === undefined) continue;
    if (left < qty) return reject(reservation, { productId, requested: qty, available: left });
    taken.push({ productId, qty });
  }
  const changes = taken.map((pieces) => ({ ...pieces, cause: 'reserved' as const }));
  return { next: { ...reservation, status: 'held', taken }, changes, event: { type: 'stock_reserved' } };
}

function reject(reservation: Reservation, data: EventOf<'stock_rejected'>['data']): Decision {
  return { next: { ...reservation, status: 'rejected' }, changes: [], event: { type: 'stock_rejected', data } };
}

function commit(reservation: Reservation): Decision {
  if (reservation.status !== 'held') return unchanged(reservation);
  const changes = reservation.taken.map((pieces) => ({ ...pieces, cause: 'committed' as const }));
  return { next: { ...reservation, status: 'committed' }, changes };
}

function giveBack(reservation: Reservation, reason: 'order_cancelled' | 'expired'): Decision {
  const cause = reservation.status === 'committed' ? 'returned' : 'released';
  return {
    next: { ...reservation, status: reason === 'expired' ? 'expired' : 'released', taken: [] },
    changes: reservation.taken.map((pieces) => ({ ...pieces, cause })),
    event: { type: 'stock_released', data: { reason } },
  };
}

function unchanged(next: Reservation): Decision {
  return { next, changes: [] };
}

function andThen(first: Decision, step: (reservation: Reservation) => Decision): Decision {
  const second = step(first.next);
  return { ...first, next: second.next, changes: [...first.changes, ...second.changes] };
}
