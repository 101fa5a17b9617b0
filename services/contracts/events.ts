import * as z from 'zod';
import type { Topic } from './topics.ts';

const uuid = z.uuid();
const time = z.iso.datetime();
const productId = z.string().min(1);
/** In the currency's smallest unit. */
const amount = z.int().nonnegative();

/**
 * CloudEvents 1.0 in JSON, with these extension attributes:
 * `schemaversion` of `data`; `aggregateversion`, the event's place among those of its source about the same subject, from 1; `causationid` of the event
 * that led to this one; `correlationid` and `traceparent` of the request that began it all.
 */
function event<const Type extends Topic, Subject extends z.ZodType<string>, Data extends z.ZodObject>(
  type: Type,
  schemaVersion: number,
  subject: Subject,
  data: Data,
) {
  return z.object({
    specversion: z.literal('1.0'),
    id: uuid,
    source: z.string().min(1),
    type: z.literal(type),
    subject,
    time,
    datacontenttype: z.literal('application/json'),
    schemaversion: z.literal(schemaVersion),
    aggregateversion: z.int().positive(),
    causationid: uuid.optional(),
    correlationid: z.string().max(128).optional(),
    traceparent: z.string().max(64).optional(),
    data,
  });
}

const aboutOrder = uuid.describe('the id of the order');
const orderEvent = <const Type extends Topic, Data extends z.ZodObject>(type: Type, version: number, data: Data) =>
  event(type, version, aboutOrder, data);

const line = z.object({
  productId,
  qty: z.int().positive(),
  price: amount.describe('of one piece, when it was ordered'),
});
export type OrderLine = z.infer<typeof line>;

/** How an order is to be paid. The token stands for a card or an account at the processor; no number of either is ever in an event. */
const payment = z.object({ method: z.string().min(1).max(32), token: z.string().min(1).max(128) });
export type PaymentInstruction = z.infer<typeof payment>;

/** What the next step of the saga needs to know of an order. */
const ordered = {
  userId: uuid.optional().describe('absent: an anonymous order'),
  lines: z.array(line).min(1).max(50),
  total: amount,
  payment: payment.optional().describe('absent: paid for by a request of its own, or not at all'),
};

/** The first event of every order: its `id` is the order's id. */
const orderCreated = orderEvent('order_created', 2, z.object(ordered));
const orderStockReserved = orderEvent('order_stock_reserved', 1, z.object({}));
const orderPaid = orderEvent('order_paid', 1, z.object({ paymentId: uuid }));
const orderConfirmed = orderEvent('order_confirmed', 1, z.object({}));
const orderCancelled = orderEvent(
  'order_cancelled',
  1,
  z.object({
    reason: z
      .string()
      .describe('a word, such as out_of_stock, payment_failed, stock_timeout, payment_timeout, refunded'),
    detail: z.string().max(500).optional().describe('what a person may want to know beyond the reason'),
  }),
);
const orderStockReleased = orderEvent('order_stock_released', 1, z.object({}));
const orderRefunded = orderEvent('order_refunded', 1, z.object({ paymentId: uuid, amount }));

const stockReserved = orderEvent('stock_reserved', 1, z.object({ ...ordered, expiresAt: time }));
const stockRejected = orderEvent(
  'stock_rejected',
  1,
  z.object({ productId, requested: z.int().positive(), available: z.int().nonnegative() }),
);
const stockReleased = orderEvent('stock_released', 1, z.object({ reason: z.enum(['order_cancelled', 'expired']) }));
/** One product's stock after a change. `available` to order is `onHand` less `reserved`. */
const stockChanged = event(
  'stock_events',
  1,
  productId.describe('the id of the product'),
  z.object({
    onHand: z.int().nonnegative(),
    reserved: z.int().nonnegative(),
    cause: z.enum(['reserved', 'released', 'committed', 'returned', 'adjusted']),
    qty: z.int().positive(),
    orderId: uuid.optional(),
  }),
);

const charge = { paymentId: uuid, amount, method: z.string().min(1).max(32) };
const paymentProcessed = orderEvent('payment_processed', 1, z.object(charge));
const paymentFailed = orderEvent(
  'payment_failed',
  1,
  z.object({ ...charge, failureReason: z.string().min(1).max(64) }),
);
const paymentRefunded = orderEvent('payment_refunded', 1, z.object(charge));

/** Every event that crosses the broker, in its newest version. A consumer tells them apart by `type`. */
export const platformEvent = z.discriminatedUnion('type', [
  orderCreated,
  orderStockReserved,
  orderPaid,
  orderConfirmed,
  orderCancelled,
  orderStockReleased,
  orderRefunded,
  stockReserved,
  stockRejected,
  stockReleased,
  stockChanged,
  paymentProcessed,
  paymentFailed,
  paymentRefunded,
]);

export type PlatformEvent = z.infer<typeof platformEvent>;
export type EventOf<T extends Topic> = Extract<PlatformEvent, { type: T }>;

type Data = Record<string, unknown>;

/** What makes data of version n (the key) into data of version n + 1. Fields that are only added need no new version. */
const UPCASTERS: Partial<Record<Topic, Readonly<Record<number, (data: Data) => Data>>>> = {
  // Version 1 knew orders of one product only.
  order_created: {
    1: ({ productId, qty, price }) => ({ lines: [{ productId, qty, price }], total: Number(qty) * Number(price) }),
  },
};

/** Data of an older version of its schema, as the newest version has it; anything else as it is. */
export function upcast(type: string, schemaVersion: number, data: Data): { schemaVersion: number; data: Data } {
  const step = UPCASTERS[type as Topic]?.[schemaVersion];
  return step ? upcast(type, schemaVersion + 1, step(data)) : { schemaVersion, data };
}

const versioned = z.looseObject({
  type: z.string(),
  schemaversion: z.int(),
  data: z.record(z.string(), z.unknown()),
});

/** An event of any version as it crossed the broker, in its newest version; the error says what is wrong with it. */
export function parseEvent(value: unknown): z.ZodSafeParseResult<PlatformEvent> {
  const older = versioned.safeParse(value);
  if (!older.success) return platformEvent.safeParse(value);
  const { schemaVersion: schemaversion, data } = upcast(older.data.type, older.data.schemaversion, older.data.data);
  return platformEvent.safeParse({ ...older.data, schemaversion, data });
}
