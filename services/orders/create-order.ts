import type { Client } from '@connectrpc/connect';
import type { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { badInput, CodedError } from '@orderplane/shared/errors.ts';
import type { EventStore, StoredEvent } from './order/event-store.ts';
import { order } from './order/order.ts';

export interface CreateOrderDeps {
  readonly store: EventStore;
  readonly inventory: Pick<Client<typeof InventoryService>, 'getProduct'>;
  readonly now: () => Date;
  /** UUIDs of version 7: orders sort by the time they were made. */
  readonly newId: () => string;
  /** Called when there is something to publish. */
  readonly stored: () => void;
}

export interface NewOrder {
  readonly productId: string;
  readonly qty: number;
  readonly idempotencyKey?: string | undefined;
}

export interface CreatedOrder {
  readonly id: string;
  readonly productId: string;
  readonly qty: number;
  readonly price: number;
  readonly createdAt: Date;
}

/**
 * Inventory is asked here, not in the gateway: that no order for an unknown product is ever stored, and that the price in the event is
 * inventory's, must not depend on who calls.
 */
export async function createOrder(deps: CreateOrderDeps, input: NewOrder): Promise<CreatedOrder> {
  const { productId, qty, idempotencyKey } = input;
  if (productId === '') throw badInput('productId', 'productId must not be empty.');
  if (idempotencyKey !== undefined && !/^[\x21-\x7e]{1,128}$/.test(idempotencyKey)) {
    throw badInput('idempotencyKey', 'idempotencyKey must be 1 to 128 printable ASCII characters.');
  }
  const { product } = await deps.inventory.getProduct({ id: productId });
  if (!product) throw new CodedError('PRODUCT_NOT_FOUND');
  const { price } = product;
  const at = deps.now();
  const orderId = deps.newId();
  const events = order.decide(order.initial, { type: 'create_order', productId, qty, price }).map((event, index) => ({
    ...event,
    id: index === 0 ? orderId : deps.newId(),
  }));
  const appended = await deps.store.append({ orderId, expectedVersion: 0, events, at, idempotencyKey });
  if (appended === 'known' && idempotencyKey !== undefined) return firstOrder(deps.store, input, idempotencyKey);
  deps.stored();
  return { id: orderId, productId, qty, price, createdAt: at };
}

async function firstOrder(store: EventStore, input: NewOrder, key: string): Promise<CreatedOrder> {
  const first = await store.loadByIdempotencyKey(key);
  const created = first?.events.find(isCreation);
  if (!first || !created) throw new CodedError('IDEMPOTENCY_KEY_REUSED');
  const { productId, qty, price } = created.data;
  if (productId !== input.productId || qty !== input.qty) throw new CodedError('IDEMPOTENCY_KEY_REUSED');
  return { id: first.orderId, productId, qty, price, createdAt: created.recordedAt };
}

function isCreation(event: StoredEvent): event is Extract<StoredEvent, { type: 'order_created' }> {
  return event.type === 'order_created';
}
