import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import type { Product } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { type Order, OrderStatus } from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import { type Payment, PaymentStatus } from '@orderplane/contracts/gen/orderplane/payments/v1/payments_pb.js';
import type { Tokens, User } from '@orderplane/contracts/gen/orderplane/users/v1/users_pb.js';

/** What the services answer, as the API's clients see it: plain objects, times in ISO 8601, statuses by name. */

export function userAnswer(user: User | undefined) {
  const { id, email, name, roles, createdAt } = present(user);
  return { id, email, name, roles, createdAt: isoTime(createdAt) };
}

export function tokensAnswer(tokens: Tokens | undefined) {
  const { accessToken, accessTokenExpiresIn, refreshToken, refreshTokenExpiresIn } = present(tokens);
  return {
    accessToken,
    expiresIn: accessTokenExpiresIn,
    refreshToken,
    refreshExpiresIn: refreshTokenExpiresIn,
  };
}

export function productAnswer({ id, name, price, description, categoryId, available }: Product) {
  return { id, name, price, description, categoryId, available };
}

export function orderAnswer(order: Order) {
  const { id, productId, qty, price, version, userId, cancelReason, refunded, createdAt, updatedAt } = order;
  // An order that was projected before orders had lines.
  const lines = order.lines.length > 0 ? order.lines : [{ productId, qty, price }];
  return {
    id,
    status: OrderStatus[order.status],
    version,
    lines: lines.map((line) => ({ productId: line.productId, qty: line.qty, price: line.price })),
    total: order.lines.length > 0 ? order.total : qty * price,
    userId,
    cancelReason,
    refunded,
    createdAt: isoTime(createdAt),
    updatedAt: optionalTime(updatedAt),
  };
}

export function paymentAnswer(payment: Payment | undefined) {
  const { id, orderId, userId, amount, method, status, failureReason, createdAt, updatedAt } = present(payment);
  return {
    id,
    orderId,
    userId,
    amount,
    method,
    status: PaymentStatus[status],
    failureReason,
    createdAt: isoTime(createdAt),
    updatedAt: optionalTime(updatedAt),
  };
}

export function isoTime(time: Timestamp | undefined): string {
  return timestampDate(present(time)).toISOString();
}

function optionalTime(time: Timestamp | undefined): string | undefined {
  return time && isoTime(time);
}

/** Messages are optional in every contract, whatever it promises. */
export function present<T>(message: T | undefined): T {
  if (message === undefined) throw new Error('a service left out what it promises to answer');
  return message;
}
