import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { OrderQueryService, OrderStatus } from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import { OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import { PaymentsService, PaymentStatus } from '@orderplane/contracts/gen/orderplane/payments/v1/payments_pb.js';
import { UsersService } from '@orderplane/contracts/gen/orderplane/users/v1/users_pb.js';
import { environment, port } from '@orderplane/shared/config.ts';
import { CodedError, type ErrorCode } from '@orderplane/shared/errors.ts';
import { type GrpcRouter, serveGrpc } from '@orderplane/shared/grpc/server.ts';
import { defineService, startService } from '@orderplane/shared/service.ts';
import { OWNER } from './tokens.ts';

export const ORDER = '0197a000-0000-7000-8000-000000000001';
export const ANONYMOUS_ORDER = '0197a000-0000-7000-8000-000000000002';
export const PAYMENT = '0197a000-0000-7000-8000-000000000003';

const at = timestampFromDate(new Date('2026-01-01T00:00:00Z'));
const user = (id: string) => ({ id, email: 'a@example.com', name: 'A', roles: ['customer'], createdAt: at });
const tokens = { accessToken: 'a', accessTokenExpiresIn: 900, refreshToken: 'r', refreshTokenExpiresIn: 604800 };
const product = (id: string) => ({ id, name: `Product ${id}`, price: 199 });
const payment = { id: PAYMENT, orderId: ORDER, userId: OWNER, amount: 398, method: 'PAYPAL', status: PaymentStatus.SUCCEEDED, createdAt: at }; // prettier-ignore
const order = (id: string, userId?: string, lines = 2) => ({
  id,
  productId: 'p0',
  qty: 1,
  price: 199,
  status: OrderStatus.CONFIRMED,
  version: 2,
  createdAt: at,
  lines: Array.from({ length: lines }, (_, i) => ({ productId: `p${i}`, qty: 1, price: 199 })),
  total: 199 * lines,
  ...(userId === undefined ? {} : { userId }),
});
const ORDERS = [order(ORDER, OWNER), order(ANONYMOUS_ORDER)];

const mine = (owner: string | undefined, userId: string | undefined) => userId === undefined || userId === owner;
const found = <T>(value: T | undefined | false, code: ErrorCode): T => {
  if (value === undefined || value === false) throw new CodedError(code);
  return value;
};

export type Calls = { readonly method: string; readonly request: Record<string, unknown> }[];

/** The services behind, as far as the gateway sees them: they know two orders, one of OWNER and one of nobody, and keep who may see what. */
export function fakeServices(state: { calls: Calls; jwks: () => string; orders?: number }) {
  const listed = () =>
    Array.from({ length: state.orders ?? 2 }, (_, i) => ORDERS[i] ?? order(`0197a000-0000-7000-8000-${String(i).padStart(12, '0')}`, OWNER)); // prettier-ignore
  const note = (method: string, request: object) => void state.calls.push({ method, request: { ...request } });
  return (router: GrpcRouter) => {
    router.service(InventoryService, {
      listProducts: (request) => (note('listProducts', request), { products: [product('p0'), product('p1')] }),
      getProduct: (request) => {
        note('getProduct', request);
        return { product: found(request.id.startsWith('p') && product(request.id), 'PRODUCT_NOT_FOUND') };
      },
      batchGetProducts: (request) => (note('batchGetProducts', request), { products: request.ids.map(product) }),
      listCategories: () => ({ categories: [{ id: 'c', name: 'C', products: 2 }] }),
      getStock: () => ({ tracked: true, onHand: 5, reserved: 2 }),
    });
    router.service(OrdersService, {
      createOrder: (request) => {
        note('createOrder', request);
        return { id: ORDER, productId: 'p0', qty: 1, price: 199, createdAt: at, total: 199, version: 1 };
      },
      cancelOrder: (request) => {
        note('cancelOrder', request);
        found(request.id === ORDER && mine(OWNER, request.userId), 'ORDER_NOT_FOUND');
        return { id: request.id, version: 3 };
      },
      getOrderTrace: (request) => {
        found(request.id === ORDER && mine(OWNER, request.userId), 'ORDER_NOT_FOUND');
        const step = { eventId: ORDER, type: 'order_created', service: 'orders', occurredAt: at, compensates: false };
        return { steps: [step], correlationId: 'c', traceId: 't' };
      },
    });
    router.service(OrderQueryService, {
      getOrder: (request) => {
        note('getOrder', request);
        const known = ORDERS.find(({ id }) => id === request.id);
        return { order: found(known && mine(known.userId, request.userId) && known, 'ORDER_NOT_FOUND') };
      },
      listOrders: (request) => {
        note('listOrders', request);
        return {
          orders: listed()
            .filter(({ userId }) => mine(userId, request.userId))
            .slice(0, request.first),
        };
      },
    });
    router.service(UsersService, {
      register: () => ({ user: user(OWNER), tokens }),
      login: () => ({ user: user(OWNER), tokens }),
      refresh: () => ({ tokens }),
      logout: () => ({}),
      getProfile: (request) => ({ user: user(request.userId) }),
      updateProfile: (request) => ({ user: user(request.userId) }),
      getSigningKeys: (request) => (note('getSigningKeys', request), { jwks: state.jwks() }),
    });
    router.service(PaymentsService, {
      createPayment: (request) => {
        note('createPayment', request);
        return { payment: found(mine(OWNER, request.userId) && payment, 'ORDER_NOT_PAYABLE') };
      },
      getPayment: (request) => ({ payment: found(request.id === PAYMENT && mine(OWNER, request.userId) && payment, 'PAYMENT_NOT_FOUND') }), // prettier-ignore
      listPayments: (request) => (note('listPayments', request), { payments: mine(OWNER, request.userId) ? [payment] : [] }), // prettier-ignore
      refundPayment: (request) => ({
        payment: {
          ...found(request.id === PAYMENT && mine(OWNER, request.userId) && payment, 'PAYMENT_NOT_FOUND'),
          status: PaymentStatus.REFUNDED,
        },
      }),
    });
  };
}

/** All of them behind one port. */
export function serveFakes(routes: (router: GrpcRouter) => void, listenOn = 0) {
  const service = defineService({
    name: 'fakes',
    config: environment({ PORT: port(0) }),
    start: (context) => serveGrpc(context, context.config.PORT, routes),
  });
  return startService(service, {
    PORT: String(listenOn),
    MANAGEMENT_PORT: '0',
    DRAIN_DELAY_MS: '0',
    LOG_LEVEL: 'FATAL',
  });
}
