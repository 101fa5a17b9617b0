import { encodeEvent } from '@orderplane/shared/events/encode.ts';
import { appendToOutbox } from '@orderplane/shared/outbox/append.ts';
import { inTransaction, type Pool } from '@orderplane/shared/postgres.ts';

const BATCH = 200;

/** Tells of products that somebody else has counted anew (a seed, a person): stock_events of cause `adjusted`. True: there may be more. */
export async function tellAdjustments(pool: Pool, now: Date, stored: () => void): Promise<boolean> {
  const looked = await inTransaction(pool, async (transaction) => {
    const { rows } = await transaction.query<AdjustedRow>(
      `with untold as (
         select product_id, told from stock where on_hand is distinct from told order by product_id limit ${BATCH} for update skip locked
       )
       update stock set told = on_hand, version = version + (on_hand is distinct from coalesce(untold.told, 0))::int
       from untold where stock.product_id = untold.product_id
       returning stock.product_id as subject, on_hand as "onHand", reserved, version, abs(on_hand - coalesce(untold.told, 0)) as qty`,
    );
    // A product that begins with nothing has not changed.
    const adjusted = rows.filter(({ qty }) => qty > 0);
    const events = adjusted.map(({ subject, version, ...data }) =>
      encodeEvent({
        type: 'stock_events',
        service: 'inventory',
        subject,
        aggregateVersion: version,
        data: { ...data, cause: 'adjusted' },
        at: now,
        origin: {},
      }),
    );
    if (events.length > 0) await appendToOutbox(transaction, events);
    return { isMore: rows.length === BATCH, told: events.length };
  });
  if (looked.told > 0) stored();
  return looked.isMore;
}

interface AdjustedRow {
  readonly subject: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly version: number;
  readonly qty: number;
}
