import { badInput, CodedError } from '@orderplane/shared/errors.ts';

/** What happened to one order. The names are those of the topics; the data is that of the contracts. */
export type OrderEvent =
  | { readonly type: 'order_created'; readonly data: { productId: string; qty: number; price: number } }
  | { readonly type: 'order_confirmed'; readonly data: Record<string, never> }
  | { readonly type: 'order_cancelled'; readonly data: { reason: string } };

export type OrderCommand =
  | { readonly type: 'create_order'; readonly productId: string; readonly qty: number; readonly price: number }
  | {
      readonly type: 'cancel_order';
      readonly reason: string;
      /** The one product whose orders the caller may cancel. */
      readonly onlyProductId?: string | undefined;
    };

export type Order =
  { readonly status: 'none' } | { readonly status: 'pending' | 'confirmed' | 'cancelled'; readonly productId: string };

export const MAX_QTY = 10_000;

const initial: Order = { status: 'none' };

/** What a command leads to. Throws a CodedError for one that is refused. */
function decide(order: Order, command: OrderCommand): OrderEvent[] {
  switch (command.type) {
    case 'create_order': {
      if (order.status !== 'none') throw new CodedError('CONFLICT');
      const { productId, qty, price } = command;
      if (!Number.isInteger(qty) || qty < 1 || qty > MAX_QTY) {
        throw badInput('qty', `qty must be a whole number from 1 to ${MAX_QTY}.`);
      }
      // No step of the saga has to agree first, so that an order is confirmed at once.
      return [
        { type: 'order_created', data: { productId, qty, price } },
        { type: 'order_confirmed', data: {} },
      ];
    }
    case 'cancel_order': {
      if (order.status === 'none') throw new CodedError('ORDER_NOT_FOUND');
      if (command.onlyProductId !== undefined && order.productId !== command.onlyProductId) {
        throw new CodedError('ORDER_NOT_FOUND');
      }
      if (order.status === 'cancelled') return [];
      return [{ type: 'order_cancelled', data: { reason: command.reason } }];
    }
  }
}

function evolve(order: Order, event: OrderEvent): Order {
  if (event.type === 'order_created') return { status: 'pending', productId: event.data.productId };
  if (order.status === 'none') throw new Error(`${event.type} before order_created`);
  return { ...order, status: event.type === 'order_confirmed' ? 'confirmed' : 'cancelled' };
}

export const order = { initial, decide, evolve } as const;
