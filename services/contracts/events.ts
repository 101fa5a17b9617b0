import * as z from 'zod';

const uuid = z.uuid();
const time = z.iso.datetime();

/**
 * CloudEvents 1.0 in JSON, with these extension attributes:
 * `schemaversion` of `data`; `aggregateversion`, the event's place among its order's events, from 1;
 * `correlationid` and `traceparent` of the request that caused it.
 */
function orderEvent<const Type extends string, Data extends z.ZodObject>(
  type: Type,
  schemaVersion: number,
  data: Data,
) {
  return z.object({
    specversion: z.literal('1.0'),
    id: uuid,
    source: z.string().min(1),
    type: z.literal(type),
    subject: uuid.describe('the id of the order'),
    time,
    datacontenttype: z.literal('application/json'),
    schemaversion: z.literal(schemaVersion),
    aggregateversion: z.int().positive(),
    correlationid: z.string().max(128).optional(),
    traceparent: z.string().max(64).optional(),
    data,
  });
}

/** The first event of every order: its `id` is the order's id. */
const orderCreated = orderEvent(
  'order_created',
  1,
  z.object({
    productId: z.string().min(1),
    qty: z.int().positive(),
    price: z.int().nonnegative().describe('of one piece, when it was ordered'),
  }),
);
const orderConfirmed = orderEvent('order_confirmed', 1, z.object({}));
const orderCancelled = orderEvent('order_cancelled', 1, z.object({ reason: z.string() }));

/** Every event that crosses the broker. A consumer tells them apart by `type`. */
export const platformEvent = z.discriminatedUnion('type', [orderCreated, orderConfirmed, orderCancelled]);

export type PlatformEvent = z.infer<typeof platformEvent>;
