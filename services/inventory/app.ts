import { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { CodedError } from '@orderplane/shared/errors.ts';
import { serveGrpc } from '@orderplane/shared/grpc/server.ts';
import { openOutbox } from '@orderplane/shared/outbox/open.ts';
import { defineService } from '@orderplane/shared/service.ts';
import { startSweeper } from '@orderplane/shared/sweeper.ts';
import { inventoryConfig } from './config.ts';
import { findProduct, findProducts, findStock, listCategories, listProducts } from './products.ts';
import { expireOne, HANDLED_TOPICS, handleOrderEvent, type ReservationDeps } from './reservation/handle.ts';
import { reservationMetrics } from './reservation/metrics.ts';
import { tellAdjustments } from './stock/adjustments.ts';

const SWEEP_MS = 1000;

export const inventory = defineService({
  name: 'inventory',
  config: inventoryConfig,
  async start(context) {
    const { config, log, metrics, name } = context;
    // Products are shown while the broker is away; orders wait at the broker.
    const { pool, bus, stored } = openOutbox(context);
    const now = () => new Date();
    const deps: ReservationDeps = {
      pool,
      metrics: reservationMetrics(metrics, pool),
      holdForMs: config.RESERVATION_TTL,
      now,
      stored,
    };
    const expiry = startSweeper({
      subject: 'giving back what was held for too long',
      sweep: () => expireOne(deps),
      everyMs: SWEEP_MS,
      log,
    });
    const adjustments = startSweeper({
      subject: 'telling of stock that was counted anew',
      sweep: () => tellAdjustments(pool, now(), stored),
      everyMs: SWEEP_MS,
      log,
    });
    context.onStop(() => expiry.stop());
    context.onStop(() => adjustments.stop());
    bus.consume({ name, topics: HANDLED_TOPICS, handle: (event) => handleOrderEvent(deps, event) });

    return serveGrpc(context, config.PORT, (router) =>
      router.service(InventoryService, {
        listProducts: (request) => listProducts(pool, request),
        async getProduct({ id }) {
          return { product: known(await findProduct(pool, id)) };
        },
        batchGetProducts: async ({ ids }) => ({ products: await findProducts(pool, ids) }),
        listCategories: async () => ({ categories: await listCategories(pool) }),
        getStock: async ({ productId }) => known(await findStock(pool, productId)),
      }),
    );
  },
});

function known<T>(found: T | undefined): T {
  if (found === undefined) throw new CodedError('PRODUCT_NOT_FOUND');
  return found;
}
