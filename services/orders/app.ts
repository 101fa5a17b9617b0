import { randomUUIDv7 } from 'node:crypto';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import { jetStreamBus } from '@orderplane/shared/events/jetstream/bus.ts';
import { grpcClient } from '@orderplane/shared/grpc/client.ts';
import { serveGrpc } from '@orderplane/shared/grpc/server.ts';
import { startRelay } from '@orderplane/shared/outbox/relay.ts';
import { createPool, query } from '@orderplane/shared/postgres.ts';
import { defineService } from '@orderplane/shared/service.ts';
import { cancelOrder } from './cancel-order.ts';
import { ordersConfig } from './config.ts';
import { createOrder } from './create-order.ts';
import { postgresEventStore } from './order/event-store.ts';

export const orders = defineService({
  name: 'orders',
  config: ordersConfig,
  async start(context) {
    const { config, log, metrics, name, readiness } = context;
    const pool = createPool({ uri: config.POSTGRES_URI, name, log });
    context.onStop(() => pool.end());
    const bus = jetStreamBus({
      uri: config.BROKER_URI,
      authorityFile: config.BROKER_CA_FILE,
      name,
      log,
      metrics,
    });
    context.onStop(() => bus.close());
    const relay = startRelay({ pool, uri: config.POSTGRES_URI, name, publisher: bus.publisher, log, metrics });
    context.onStop(() => relay.stop());
    // Orders are taken while the broker is away: they wait in the outbox.
    readiness.add({ name: 'postgres', critical: true, run: async () => void (await query(pool, 'select 1')) });
    readiness.add({ name: 'broker', critical: false, run: () => bus.check() });

    const inventory = grpcClient(InventoryService, {
      service: 'inventory',
      url: config.INVENTORY_URL,
      timeoutMs: 2000,
    });
    const store = postgresEventStore(pool);
    const deps = { store, inventory, now: () => new Date(), newId: () => randomUUIDv7(), stored: () => relay.wake() };

    return serveGrpc(context, config.PORT, (router) =>
      router.service(OrdersService, {
        async createOrder(request) {
          const { createdAt, ...order } = await createOrder(deps, request);
          return { ...order, createdAt: timestampFromDate(createdAt) };
        },
        async cancelOrder(request) {
          await cancelOrder(deps, request);
          return { id: request.id };
        },
      }),
    );
  },
});
