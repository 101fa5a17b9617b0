import type { EventOf } from '@orderplane/contracts/events.ts';
import type { Queryable } from '@orderplane/shared/postgres.ts';
import type { StockChange } from '../reservation/reservation.ts';

/** How many of the products can still be ordered, where stock is kept. Locked in the order of their ids: no two orders wait for each other. */
export async function lockStock(transaction: Queryable, productIds: readonly string[]): Promise<Map<string, number>> {
  if (productIds.length === 0) return new Map();
  const { rows } = await transaction.query<{ id: string; available: number }>(
    `select product_id as id, on_hand - reserved as available from stock
     where product_id = any($1) order by product_id for update`,
    [productIds],
  );
  return new Map(rows.map(({ id, available }) => [id, available]));
}

/** What a change of so many pieces does to a product's numbers. */
const EFFECTS = {
  reserved: { onHand: 0, reserved: 1 },
  released: { onHand: 0, reserved: -1 },
  committed: { onHand: -1, reserved: -1 },
  returned: { onHand: 1, reserved: 0 },
} as const satisfies Record<StockChange['cause'], { onHand: number; reserved: number }>;

/** A product's stock after a change. */
export type ChangedStock = EventOf<'stock_events'>['data'] & { readonly productId: string; readonly version: number };

/** Applies changes to rows that the transaction has locked. A product whose row is gone meanwhile has no stock to change. */
export async function changeStock(
  transaction: Queryable,
  changes: readonly StockChange[],
): Promise<readonly ChangedStock[]> {
  const changed: ChangedStock[] = [];
  for (const cause of new Set(changes.map((change) => change.cause))) {
    const pieces = changes.filter((change) => change.cause === cause);
    const { onHand, reserved } = EFFECTS[cause];
    const { rows } = await transaction.query<Omit<ChangedStock, 'cause'>>(
      `update stock set on_hand = on_hand + qty * $3, told = told + qty * $3, reserved = reserved + qty * $4, version = version + 1
       from unnest($1::text[], $2::int[]) as change (id, qty) where product_id = id
       returning product_id as "productId", on_hand as "onHand", reserved, version, qty`,
      [pieces.map(({ productId }) => productId), pieces.map(({ qty }) => qty), onHand, reserved],
    );
    changed.push(...rows.map((row) => ({ ...row, cause })));
  }
  return changed;
}
