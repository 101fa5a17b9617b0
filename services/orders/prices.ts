import type { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { batching } from '@orderplane/shared/batching.ts';
import type { Client } from '@orderplane/shared/grpc/methods.ts';

/** What inventory takes in one request. */
const MAX_IDS = 100;
const LANES = 2;
/** A request costs the two services together more processor time than this lets the orders of a moment wait. */
const PAUSE_MS = 5;

/**
 * Asks inventory for what is ordered at the same time in one request. Nothing is kept: a price is never older than the order that
 * asks for it.
 */
export function pricesOf(
  inventory: Pick<Client<typeof InventoryService>, 'batchGetProducts'>,
): (productId: string) => Promise<number | undefined> {
  return batching<string, number | undefined>({ maxItems: MAX_IDS, lanes: LANES, pauseMs: PAUSE_MS }, async (asked) => {
    const { products } = await inventory.batchGetProducts({ ids: [...new Set(asked)] });
    const prices = new Map(products.map(({ id, price }) => [id, price]));
    return asked.map((id) => ({ status: 'fulfilled', value: prices.get(id) }));
  });
}
