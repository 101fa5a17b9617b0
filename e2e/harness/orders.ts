/** Orders placed while something is being broken, and what became of them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { eventually } from './eventually.ts';
import { createOrder } from './graphql.ts';

export interface PlacedUnderFault {
  /** Ids of the orders that got an answer. */
  readonly answered: readonly string[];
  /** Errors of those that got none. */
  readonly refused: readonly string[];
  /** The longest time from one answer to the next, in milliseconds. */
  readonly longestSilenceMs: number;
}

/** Places orders at a steady rate, whatever becomes of them, until the signal. */
export async function placeOrders(
  gatewayUrl: string,
  perSecond: number,
  until: AbortSignal,
): Promise<PlacedUnderFault> {
  const answered: string[] = [];
  const refused: string[] = [];
  const underWay = new Set<Promise<void>>();
  let lastAnswer = performance.now();
  let longestSilenceMs = 0;
  const place = async () => {
    try {
      answered.push((await createOrder(gatewayUrl, 'p1', 1)).id);
      longestSilenceMs = Math.max(longestSilenceMs, performance.now() - lastAnswer);
      lastAnswer = performance.now();
    } catch (error) {
      refused.push(error instanceof Error ? error.message : String(error));
    }
  };
  while (!until.aborted) {
    const order: Promise<void> = place().finally(() => underWay.delete(order));
    underWay.add(order);
    await delay(1000 / perSecond);
  }
  await Promise.all(underWay);
  return { answered, refused, longestSilenceMs };
}

/** Waits until every order is in the read model, and returns how many documents each of them has. */
export async function documentsPerOrder(
  mongo: MongoClient,
  ids: readonly string[],
  timeoutMs: number,
): Promise<Map<string, number>> {
  const orders = mongo.db('app').collection<{ eventId: string }>('orders');
  return eventually(
    async () => {
      const found = await orders.find({ eventId: { $in: [...ids] } }, { projection: { eventId: 1 } }).toArray();
      const counts = new Map<string, number>();
      for (const { eventId } of found) counts.set(eventId, (counts.get(eventId) ?? 0) + 1);
      if (counts.size < ids.length) throw new Error(`${counts.size} of ${ids.length} orders are there`);
      return counts;
    },
    { timeoutMs, everyMs: 200, what: 'the arrival of all orders in the read model' },
  );
}
