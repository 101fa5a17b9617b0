import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import {
  OrderStatus,
  type OrderQueryService,
} from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { badInput, CodedError } from '@orderplane/shared/errors.ts';
import type { OrderReadModel, OrderView } from './read-model.ts';

export const MAX_PAGE = 100;

export function orderQueries(readModel: OrderReadModel): ServiceImpl<typeof OrderQueryService> {
  return {
    async getOrder({ id }) {
      const found = await readModel.get(id);
      if (!found) throw new CodedError('ORDER_NOT_FOUND');
      return { order: message(found) };
    },
    async listOrders({ first, after }) {
      if (first < 1 || first > MAX_PAGE) throw badInput('first', `first must be from 1 to ${MAX_PAGE}.`);
      const found = await readModel.list({ first: first + 1, after, hiddenProduct: VERIFICATION_PRODUCT });
      const page = found.slice(0, first);
      const last = page.at(-1);
      const next = found.length > first && last ? { next: last.id } : {};
      return { orders: page.map(message), ...next };
    },
  };
}

function message({ status, createdAt, ...order }: OrderView) {
  return { ...order, status: OrderStatus[status], createdAt: timestampFromDate(createdAt) };
}
