import { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { CodedError } from '@orderplane/shared/errors.ts';
import { serveGrpc } from '@orderplane/shared/grpc/server.ts';
import { createPool, query } from '@orderplane/shared/postgres.ts';
import { defineService } from '@orderplane/shared/service.ts';
import { inventoryConfig } from './config.ts';
import { findProduct, listProducts } from './products.ts';

export const inventory = defineService({
  name: 'inventory',
  config: inventoryConfig,
  async start(context) {
    const { config, log, readiness } = context;
    const pool = createPool({ uri: config.POSTGRES_URI, name: 'inventory', log });
    context.onStop(() => pool.end());
    readiness.add({ name: 'postgres', critical: true, run: async () => void (await query(pool, 'select 1')) });

    return serveGrpc(context, config.PORT, (router) =>
      router.service(InventoryService, {
        async listProducts() {
          return { products: await listProducts(pool) };
        },
        async getProduct({ id }) {
          const product = await findProduct(pool, id);
          if (!product) throw new CodedError('PRODUCT_NOT_FOUND');
          return { product };
        },
      }),
    );
  },
});
