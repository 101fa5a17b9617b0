import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import type { ServiceImpl } from '@orderplane/shared/grpc/methods.ts';
import { cancelOrder } from './cancel-order.ts';
import { createOrder, type CreateOrderDeps } from './create-order.ts';
import { orderTrace } from './get-trace.ts';

export function ordersRoutes(deps: CreateOrderDeps): ServiceImpl<typeof OrdersService> {
  return {
    async createOrder(request) {
      const { createdAt, lines, ...order } = await createOrder(deps, request);
      return { ...lines[0], ...order, createdAt: timestampFromDate(createdAt) };
    },
    async cancelOrder(request) {
      return { id: request.id, version: await cancelOrder(deps, request) };
    },
    async getOrderTrace(request) {
      const { steps, ...trace } = await orderTrace(deps.store, request);
      return {
        ...trace,
        steps: steps.map(({ occurredAt, ...step }) => ({ ...step, occurredAt: timestampFromDate(occurredAt) })),
      };
    },
  };
}
