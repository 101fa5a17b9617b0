import { badInput, CodedError } from '@orderplane/shared/errors.ts';
import type { EventStore } from './order/event-store.ts';
import { order } from './order/order.ts';

const ATTEMPTS = 3;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface CancelOrderDeps {
  readonly store: EventStore;
  readonly now: () => Date;
  readonly newId: () => string;
  readonly stored: () => void;
}

export interface Cancellation {
  readonly id: string;
  readonly reason: string;
  readonly onlyProductId?: string | undefined;
}

/** Decides on the order as it is now, and anew when it moved on in between. */
export async function cancelOrder(deps: CancelOrderDeps, { id, reason, onlyProductId }: Cancellation): Promise<void> {
  if (!UUID.test(id)) throw badInput('id', 'id must be the id of an order.');
  for (let attempt = 1; ; attempt++) {
    const history = await deps.store.load(id);
    const state = history.reduce(order.evolve, order.initial);
    const decided = order.decide(state, { type: 'cancel_order', reason, onlyProductId });
    if (decided.length === 0) return;
    const events = decided.map((event) => ({ ...event, id: deps.newId() }));
    try {
      await deps.store.append({ orderId: id, expectedVersion: history.length, events, at: deps.now() });
      deps.stored();
      return;
    } catch (error) {
      const movedOn = error instanceof CodedError && error.code === 'CONFLICT';
      if (!movedOn || attempt === ATTEMPTS) throw error;
    }
  }
}
