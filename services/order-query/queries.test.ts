import { describe, expect, test } from '@jest/globals';
import type { CallContext } from '@orderplane/shared/grpc/methods.ts';
import { projectionNews } from './projection-news.ts';
import { orderQueries } from './queries.ts';
import type { OrderReadModel, OrderView } from './read-model.ts';

const line = { productId: 'p1', qty: 1, price: 199 };
const at = new Date('2026-11-21T03:54:09.505Z');
const order = (version: number): OrderView => ({
  id: 'o1',
  ...line,
  lines: [line],
  total: 199,
  userId: 'ada',
  status: 'PENDING',
  refunded: false,
  version,
  createdAt: at,
  updatedAt: at,
});

/** A read model in which an order gets on by one version with each look. */
function gettingOn(): Pick<OrderReadModel, 'get'> {
  let looks = 0;
  return { get: async () => (looks++ === 0 ? undefined : order(looks - 1)) };
}

async function ask(
  model: Pick<OrderReadModel, 'get'>,
  request: { userId?: string; minVersion?: number },
  news = projectionNews(),
) {
  const { getOrder } = orderQueries(model as OrderReadModel, news);
  const context = { signal: new AbortController().signal } as CallContext;
  const answer = await getOrder(
    { $typeName: 'orderplane.orderquery.v1.GetOrderRequest', id: 'o1', minVersion: 0, ...request },
    context,
  );
  return answer.order?.version;
}

describe('asking for an order', () => {
  test('waits until it is at the version that a command answered', async () => {
    expect(await ask(gettingOn(), { minVersion: 3 })).toBe(3);
  });
  test('looks at once when a change of it was projected here', async () => {
    const news = projectionNews();
    let version = 0;
    const get = async () => {
      const found = order(version++);
      news.tell('o1');
      return found;
    };
    // Looking again by the clock, it would get to version 11 at most before the wait is over.
    expect(await ask({ get }, { minVersion: 50 }, news)).toBe(50);
  });
  test('answers with what there is when that never comes', async () => {
    expect(await ask({ get: async () => order(2) }, { minVersion: 3 })).toBe(2);
  });
  test('without a version does not wait', async () => {
    await expect(ask(gettingOn(), {})).rejects.toMatchObject({ code: 'ORDER_NOT_FOUND' });
  });
  test.each(['bob', ''])('finds nothing of somebody else (asked for by "%s")', async (userId) => {
    await expect(ask({ get: async () => order(1) }, { userId })).rejects.toMatchObject({ code: 'ORDER_NOT_FOUND' });
  });
});
