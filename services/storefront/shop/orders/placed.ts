import type { CreatedOrder, Order, OrderLine } from '../model.ts';

const PREFIX = 'placed:';

/** Keeps an order that was just accepted: its page can show it before the read model has it. */
export function rememberPlaced({ id, total, createdAt }: CreatedOrder, lines: OrderLine[]): void {
  const kept = lines.map(({ productId, qty, price }) => ({ productId, qty, price }));
  const order: Order = { id, total, createdAt, lines: kept, status: 'PENDING', version: 0, refunded: false };
  try {
    sessionStorage.setItem(PREFIX + id, JSON.stringify(order));
  } catch {
    // Then the page shows it once it has arrived.
  }
}

export function rememberedOrder(id: string): Order | undefined {
  try {
    const text = sessionStorage.getItem(PREFIX + id);
    return text === null ? undefined : (JSON.parse(text) as Order);
  } catch {
    return undefined;
  }
}
