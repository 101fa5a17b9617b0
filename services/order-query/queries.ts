import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  OrderStatus,
  type OrderQueryService,
} from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { backoffMs } from '@orderplane/shared/backoff.ts';
import { badInput, CodedError } from '@orderplane/shared/errors.ts';
import { annotate, ORDER_ID } from '@orderplane/shared/telemetry/span.ts';
import type { ServiceImpl } from '@orderplane/shared/grpc/methods.ts';
import type { ProjectionNews } from './projection-news.ts';
import type { OrderReadModel, OrderView } from './read-model.ts';

export const MAX_PAGE = 100;
/** How long a query waits for a version, well within the deadline of those who ask. */
const WAIT_MS = 2000;
/** Where nothing was heard of the order: another instance may have projected it. */
const LOOK_AGAIN = { firstMs: 25, maxMs: 250 };

export function orderQueries(
  readModel: OrderReadModel,
  news: Pick<ProjectionNews, 'listen'>,
): ServiceImpl<typeof OrderQueryService> {
  return {
    async getOrder({ id, userId, minVersion }, { signal }) {
      annotate({ [ORDER_ID]: id });
      const found = await atVersion(readModel, news, { id, minVersion, signal });
      if (!found || (userId !== undefined && found.userId !== userId)) throw new CodedError('ORDER_NOT_FOUND');
      return { order: message(found) };
    },
    async listOrders({ first, after, userId, anonymous }) {
      if (anonymous && userId !== undefined) throw badInput('anonymous', 'An anonymous order has no user.');
      if (first < 1 || first > MAX_PAGE) throw badInput('first', `first must be from 1 to ${MAX_PAGE}.`);
      const found = await readModel.list({
        first: first + 1,
        after,
        owner: anonymous ? 'anonymous' : userId === undefined ? 'anybody' : { userId },
        hiddenProduct: VERIFICATION_PRODUCT,
      });
      const page = found.slice(0, first);
      const last = page.at(-1);
      const next = found.length > first && last ? { next: last.id } : {};
      return { orders: page.map(message), ...next };
    },
  };
}

/** The order once it is at least at the version, or else as it is when the wait is over: a client then sees how far it is. */
async function atVersion(
  readModel: OrderReadModel,
  news: Pick<ProjectionNews, 'listen'>,
  { id, minVersion, signal }: { id: string; minVersion: number; signal: AbortSignal },
): Promise<OrderView | undefined> {
  // Before the first look: what is projected meanwhile is not missed.
  using change = news.listen(id);
  const deadline = performance.now() + WAIT_MS;
  for (let looks = 1; ; looks++) {
    const found = await readModel.get(id);
    const isThere = (found?.version ?? 0) >= minVersion;
    if (isThere || performance.now() > deadline || signal.aborted) return found;
    await change.wait(backoffMs(LOOK_AGAIN, looks), signal);
  }
}

function message({ status, createdAt, updatedAt, lines, ...order }: OrderView) {
  return {
    ...order,
    lines: [...lines],
    status: OrderStatus[status],
    createdAt: timestampFromDate(createdAt),
    updatedAt: timestampFromDate(updatedAt),
  };
}
