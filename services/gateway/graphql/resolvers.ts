import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { type Order, OrderStatus } from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { badInput, CodedError, type ErrorCode } from '@orderplane/shared/errors.ts';
import type { Upstreams } from '../upstreams.ts';
import type { Verify } from '../verification.ts';

/** What resolvers know of the request. */
export interface RequestFacts {
  readonly authorization: string | undefined;
  readonly idempotencyKey: string | undefined;
}

declare module 'mercurius' {
  interface MercuriusContext extends RequestFacts {}
}

const MAX_QTY = 10_000;
const MAX_PAGE = 100;

export function resolvers({ inventory, orders, orderQuery }: Upstreams, verify: Verify) {
  return {
    Query: {
      products: async () => (await inventory.listProducts({})).products,
      product: (_: unknown, { id }: { id: string }) => {
        if (id === VERIFICATION_PRODUCT) return null;
        return nullIf('PRODUCT_NOT_FOUND', async () => (await inventory.getProduct({ id })).product);
      },
      order: (_: unknown, { id }: { id: string }) =>
        nullIf('ORDER_NOT_FOUND', async () => {
          const { order } = await orderQuery.getOrder({ id });
          return order && orderFields(order);
        }),
      orders: async (_: unknown, { first, after }: { first: number; after?: string | null }) => {
        if (first < 1 || first > MAX_PAGE) throw badInput('first', `first must be from 1 to ${MAX_PAGE}.`);
        const page = await orderQuery.listOrders(after == null ? { first } : { first, after });
        return { items: page.orders.map(orderFields), next: page.next ?? null };
      },
    },
    Mutation: {
      createOrder: async (_: unknown, input: { productId: string; qty: number }, facts: RequestFacts) => {
        const { productId, qty } = input;
        if (qty < 1 || qty > MAX_QTY) throw badInput('qty', `qty must be from 1 to ${MAX_QTY}.`);
        if (productId === VERIFICATION_PRODUCT) await verifyOrHide(verify, facts);
        const { idempotencyKey } = facts;
        const order = await orders.createOrder(idempotencyKey === undefined ? input : { ...input, idempotencyKey });
        return { ...order, createdAt: isoTime(order.createdAt) };
      },
      cancelOrder: async (_: unknown, { id }: { id: string }, facts: RequestFacts) => {
        await verify(facts.authorization);
        await orders.cancelOrder({ id, reason: 'verification', onlyProductId: VERIFICATION_PRODUCT });
        return { id, status: 'CANCELLED' };
      },
    },
  };
}

/** To whoever may not order it, the product of verification does not exist. */
async function verifyOrHide(verify: Verify, { authorization }: RequestFacts): Promise<void> {
  await verify(authorization).catch((error: unknown) => {
    throw new CodedError('PRODUCT_NOT_FOUND', { cause: error });
  });
}

async function nullIf<T>(code: ErrorCode, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CodedError && error.code === code) return null;
    throw error;
  }
}

function orderFields({ id, productId, qty, status, version, createdAt }: Order) {
  return { id, productId, qty, version, status: OrderStatus[status], createdAt: isoTime(createdAt) };
}

function isoTime(time: Timestamp | undefined): string {
  if (!time) throw new Error('an order without its time');
  return timestampDate(time).toISOString();
}
