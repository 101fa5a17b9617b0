import { randomUUIDv7 } from 'node:crypto';
import { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import { grpcClient } from '@orderplane/shared/grpc/client.ts';
import { serveGrpc } from '@orderplane/shared/grpc/server.ts';
import { openOutbox } from '@orderplane/shared/outbox/open.ts';
import { defineService } from '@orderplane/shared/service.ts';
import { ordersConfig } from './config.ts';
import { ordersMetrics } from './metrics.ts';
import { postgresEventStore } from './order/postgres-event-store.ts';
import { pricesOf } from './prices.ts';
import { ordersRoutes } from './routes.ts';
import { startDeadlines } from './saga/deadlines.ts';
import { followSaga } from './saga/process-manager.ts';

export const orders = defineService({
  name: 'orders',
  config: ordersConfig,
  async start(context) {
    const { config, log, metrics, name, tracing } = context;
    const { pool, bus, stored } = openOutbox(context);
    const inventory = grpcClient(InventoryService, {
      service: 'inventory',
      url: config.INVENTORY_URL,
      // Who asks orders waits twice as long.
      timeoutMs: 4000,
    });
    const store = postgresEventStore(pool, { snapshotInterval: config.SNAPSHOT_INTERVAL });
    const deps = {
      store,
      metrics: ordersMetrics(metrics),
      now: () => new Date(),
      newId: () => randomUUIDv7(),
      stored,
      timeoutsMs: { stock_timeout: config.STOCK_TIMEOUT, payment_timeout: config.PAYMENT_TIMEOUT },
      steps: config.SAGA_STEPS,
      priceOf: pricesOf(inventory),
    };
    followSaga(bus, name, deps);
    const deadlines = startDeadlines(deps, { pool, log, tracing });
    context.onStop(() => deadlines.stop());

    return serveGrpc(context, config.PORT, (router) => router.service(OrdersService, ordersRoutes(deps)));
  },
});
