/** What customers do all the time: they order, and look at products and orders. Every request is noted, with how long it took. */
import { setTimeout as delay } from 'node:timers/promises';
import { createOrder, graphqlData } from './graphql.ts';

export interface NotedRequest {
  readonly kind: 'order' | 'products' | 'orders';
  /** By performance.now(). */
  readonly startedAt: number;
  readonly ms: number;
  /** Id of the order that was placed. */
  readonly order?: string;
  /** Why it got no answer, or a wrong one. */
  readonly error?: string;
}

const PRODUCTS = '{ products { id name } }';
const ORDERS = '{ orders(first: 5) { items { id } } }';

/** Of two requests one is an order, and one a read, of products and orders in turn; until the signal. */
export async function keepBusy(
  gatewayUrl: string,
  perSecond: number,
  until: AbortSignal,
  onFailure: () => void,
): Promise<NotedRequest[]> {
  const noted: NotedRequest[] = [];
  const underWay = new Set<Promise<void>>();
  const note = async (kind: NotedRequest['kind'], ask: () => Promise<string | void>) => {
    const startedAt = performance.now();
    const outcome = await ask().then(
      (order) => (order === undefined ? {} : { order }),
      (error: unknown) => ({ error: error instanceof Error ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}` : String(error) }),
    );
    if ('error' in outcome) onFailure();
    noted.push({ kind, startedAt, ms: performance.now() - startedAt, ...outcome });
  };
  const order = () => note('order', async () => (await createOrder(gatewayUrl, 'p1', 1)).id);
  const products = () => note('products', async () => {
    const answer = await graphqlData<{ products: unknown[] }>(gatewayUrl, PRODUCTS);
    if (answer.products.length === 0) throw new Error('no product came back');
  });
  const orders = () => note('orders', async () => void (await graphqlData(gatewayUrl, ORDERS)));
  const turns = [order, products, order, orders];
  for (let turn = 0; !until.aborted; turn++) {
    const request: Promise<void> = (turns[turn % turns.length] as () => Promise<void>)().finally(() => underWay.delete(request));
    underWay.add(request);
    await delay(1000 / perSecond);
  }
  await Promise.all(underWay);
  return noted;
} // prettier-ignore

/** `n requests, m failed, p99 and longest`, for a figure. */
export function inFigures(requests: readonly NotedRequest[]): string {
  const failed = requests.filter(({ error }) => error !== undefined).length;
  const times = requests.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  return `${requests.length}, ${failed} failed, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
}
