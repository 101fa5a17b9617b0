import type { Order } from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import type { CreateOrderResponse } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import { PAYMENT_METHODS } from '@orderplane/contracts/payments.ts';
import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { CodedError } from '@orderplane/shared/errors.ts';
import { annotate, ORDER_ID } from '@orderplane/shared/telemetry/span.ts';
import { ownerFilter, type Principal } from './access/principal.ts';
import type { NewOrder } from './rest/schemas.ts';
import type { Upstreams } from './upstreams.ts';

/** It costs nothing, so that no processor ever sees this; but payments goes its whole way. */
const VERIFICATION_PAYMENT = { method: PAYMENT_METHODS[0], token: 'verification' };

export interface ShopDeps extends Pick<Upstreams, 'orders' | 'orderQuery' | 'payments'> {
  readonly anonymousOrders: boolean;
}

/** What may be done with orders, and by whom: the same for REST and GraphQL. */
export type Shop = ReturnType<typeof shop>;

export function shop({ orders, orderQuery, payments, anonymousOrders }: ShopDeps) {
  const requireOrderer = (principal: Principal): void => {
    if (principal.kind === 'anonymous' && !anonymousOrders) throw new CodedError('UNAUTHENTICATED');
  };
  return {
    requireOrderer,

    async create(
      principal: Principal,
      order: NewOrder,
      idempotencyKey: string | undefined,
    ): Promise<CreateOrderResponse> {
      requireOrderer(principal);
      const verifies = principal.kind === 'operator' && principal.scope === 'verify';
      for (const { productId } of order.lines) {
        // To whoever may not order it, the product of verification does not exist; and its token is for nothing else.
        if (productId === VERIFICATION_PRODUCT && !verifies) throw new CodedError('PRODUCT_NOT_FOUND');
        if (productId !== VERIFICATION_PRODUCT && principal.kind === 'operator') throw new CodedError('FORBIDDEN');
      }
      const payment = verifies && payments ? VERIFICATION_PAYMENT : order.payment;
      const created = await orders.createOrder({
        ...linesOf(order),
        ...(payment === undefined ? {} : { payment }),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        ...(principal.kind === 'user' ? { userId: principal.id } : {}),
      });
      annotate({ [ORDER_ID]: created.id });
      return created;
    },

    async get(principal: Principal, id: string, minVersion = 0): Promise<Order> {
      requireOrderer(principal);
      annotate({ [ORDER_ID]: id });
      const filter = principal.kind === 'user' ? ownerFilter(principal) : {};
      const { order } = await orderQuery.getOrder({ id, minVersion, ...filter });
      if (!order || !isVisible(principal, order)) throw new CodedError('ORDER_NOT_FOUND');
      return order;
    },

    /** Newest first. Without an account only what was ordered without one. */
    async list(principal: Principal, page: { first: number; after?: string | undefined }) {
      requireOrderer(principal);
      if (principal.kind === 'operator') throw new CodedError('FORBIDDEN');
      const filter = principal.kind === 'user' ? ownerFilter(principal) : {};
      const after = page.after === undefined ? {} : { after: page.after };
      const found = await orderQuery.listOrders({ first: page.first, ...after, ...filter });
      return { orders: found.orders.filter((order) => isVisible(principal, order)), next: found.next ?? null };
    },

    /** Nobody cancels an anonymous order but the operator, its own. */
    async cancel(principal: Principal, id: string) {
      annotate({ [ORDER_ID]: id });
      if (principal.kind === 'anonymous') throw new CodedError('UNAUTHENTICATED');
      if (principal.kind === 'user') {
        const reason = principal.isAdmin ? 'cancelled_by_admin' : 'cancelled_by_customer';
        return orders.cancelOrder({ id, reason, ...ownerFilter(principal) });
      }
      if (principal.scope !== 'verify') throw new CodedError('FORBIDDEN');
      return orders.cancelOrder({ id, reason: 'verification', onlyProductId: VERIFICATION_PRODUCT });
    },

    async trace(principal: Principal, id: string) {
      if (principal.kind === 'anonymous') throw new CodedError('UNAUTHENTICATED');
      if (principal.kind === 'operator' && principal.scope !== 'trace') throw new CodedError('FORBIDDEN');
      return orders.getOrderTrace({ id, ...(principal.kind === 'user' ? ownerFilter(principal) : {}) });
    },
  };
}

/** An order of one product has a form of its own, which orders of every release understand. */
function linesOf({ lines }: NewOrder): Pick<NewOrder, 'lines'> | NewOrder['lines'][number] {
  const [line, ...others] = lines;
  return line && others.length === 0 ? line : { lines };
}

/** The services restrict to a user's own; what remains is whoever has no user. */
function isVisible(principal: Principal, { userId, productId }: Order): boolean {
  if (principal.kind === 'user') return true;
  if (principal.kind === 'operator') return principal.scope === 'verify' && productId === VERIFICATION_PRODUCT;
  return userId === undefined;
}
