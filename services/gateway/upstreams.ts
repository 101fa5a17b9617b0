import type { Client } from '@connectrpc/connect';
import { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { OrderQueryService } from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import { OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import { grpcClient } from '@orderplane/shared/grpc/client.ts';
import type { GatewayConfig } from './config.ts';

export interface Upstreams {
  readonly inventory: Client<typeof InventoryService>;
  readonly orders: Client<typeof OrdersService>;
  readonly orderQuery: Client<typeof OrderQueryService>;
}

export function connectUpstreams(config: GatewayConfig): Upstreams {
  return {
    inventory: grpcClient(InventoryService, { service: 'inventory', url: config.INVENTORY_URL, timeoutMs: 2000 }),
    // Longer than what orders itself allows for inventory and its database.
    orders: grpcClient(OrdersService, { service: 'orders', url: config.ORDERS_URL, timeoutMs: 8000 }),
    orderQuery: grpcClient(OrderQueryService, { service: 'order-query', url: config.ORDER_QUERY_URL, timeoutMs: 4000 }),
  };
}
