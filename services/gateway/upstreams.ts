import { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { OrderQueryService } from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import { OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import { PaymentsService } from '@orderplane/contracts/gen/orderplane/payments/v1/payments_pb.js';
import { UsersService } from '@orderplane/contracts/gen/orderplane/users/v1/users_pb.js';
import { grpcClient } from '@orderplane/shared/grpc/client.ts';
import type { Client } from '@orderplane/shared/grpc/methods.ts';
import type { GatewayConfig } from './config.ts';

export interface Upstreams {
  readonly inventory: Client<typeof InventoryService>;
  readonly orders: Client<typeof OrdersService>;
  readonly orderQuery: Client<typeof OrderQueryService>;
  /** Undefined on a platform without accounts. */
  readonly users: Client<typeof UsersService> | undefined;
  /** Undefined on a platform without payments. */
  readonly payments: Client<typeof PaymentsService> | undefined;
}

export function connectUpstreams(config: GatewayConfig): Upstreams {
  const { INVENTORY_URL, ORDERS_URL, ORDER_QUERY_URL, USERS_URL, PAYMENTS_URL } = config;
  return {
    // Longer than a service that has just gone is waited for; so are the others.
    inventory: grpcClient(InventoryService, { service: 'inventory', url: INVENTORY_URL, timeoutMs: 4000 }),
    // Longer than what orders itself allows for inventory and its database.
    orders: grpcClient(OrdersService, { service: 'orders', url: ORDERS_URL, timeoutMs: 8000 }),
    // Longer than it waits for an order to come to a version.
    orderQuery: grpcClient(OrderQueryService, { service: 'order-query', url: ORDER_QUERY_URL, timeoutMs: 6000 }),
    // Hashes of passwords wait for one another.
    users: USERS_URL === undefined ? undefined : grpcClient(UsersService, { service: 'users', url: USERS_URL, timeoutMs: 6000 }), // prettier-ignore
    // Waits for the processor.
    payments: PAYMENTS_URL === undefined ? undefined : grpcClient(PaymentsService, { service: 'payments', url: PAYMENTS_URL, timeoutMs: 10_000 }), // prettier-ignore
  };
}

/** The id of nothing. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';
