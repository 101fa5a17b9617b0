/** Event types, which are the broker's topics too: past tense, one for each thing that happened. */
export const ORDER_TOPICS = [
  'order_created',
  'order_stock_reserved',
  'order_paid',
  'order_confirmed',
  'order_cancelled',
  'order_stock_released',
  'order_refunded',
] as const;
export const STOCK_TOPICS = ['stock_reserved', 'stock_rejected', 'stock_released', 'stock_events'] as const;
export const PAYMENT_TOPICS = ['payment_processed', 'payment_failed', 'payment_refunded'] as const;

export type OrderTopic = (typeof ORDER_TOPICS)[number];
export type StockTopic = (typeof STOCK_TOPICS)[number];
export type PaymentTopic = (typeof PAYMENT_TOPICS)[number];
export type Topic = OrderTopic | StockTopic | PaymentTopic;

/** Which stream holds which topics. Whoever publishes or consumes a topic makes sure that its stream is there. */
export const STREAMS: Readonly<Record<string, readonly Topic[]>> = {
  ORDERS: ORDER_TOPICS,
  STOCK: STOCK_TOPICS,
  PAYMENTS: PAYMENT_TOPICS,
};

/** Where consumers put what they cannot handle, as `dead.<topic>`. */
export const DEAD_LETTER_STREAM = { name: 'DEAD_LETTERS', subjects: ['dead.>'] } as const;

export function deadLetterSubject(topic: string): string {
  return `dead.${topic}`;
}

/** The stream of a topic. Throws for a topic that no stream holds: a mistake in the program, not in its input. */
export function streamOf(topic: Topic): string {
  const stream = Object.keys(STREAMS).find((name) => STREAMS[name]?.includes(topic));
  if (stream === undefined) throw new Error(`no stream holds the topic ${topic}`);
  return stream;
}
