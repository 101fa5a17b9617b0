import { randomUUIDv7 } from 'node:crypto';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { PaymentsService, PaymentStatus } from '@orderplane/contracts/gen/orderplane/payments/v1/payments_pb.js';
import { serveGrpc } from '@orderplane/shared/grpc/server.ts';
import { openOutbox } from '@orderplane/shared/outbox/open.ts';
import { createPool } from '@orderplane/shared/postgres.ts';
import { defineService } from '@orderplane/shared/service.ts';
import { startSweeper } from '@orderplane/shared/sweeper.ts';
import { settleOne, type SettleDeps } from './account/settle.ts';
import { paymentsConfig } from './config.ts';
import { paymentMetrics } from './metrics.ts';
import {
  createPayment,
  findPayment,
  handleOrderCancelled,
  handleStockReserved,
  listPayments,
  type PaymentView,
  refundPayment,
} from './payments.ts';
import { sandboxProcessor } from './processor/sandbox.ts';

const SWEEP_MS = 1000;

export const payments = defineService({
  name: 'payments',
  config: paymentsConfig,
  async start(context) {
    const { config, log, metrics, name } = context;
    const books = createPool({ uri: config.POSTGRES_URI, name: 'sandbox-processor', max: 5, log });
    context.onStop(() => books.end());
    const { pool, bus, stored } = openOutbox(context);
    const deps: SettleDeps = {
      pool,
      processor: sandboxProcessor(books, { latencyMs: config.SANDBOX_LATENCY_MS }),
      metrics: paymentMetrics(metrics, pool),
      now: () => new Date(),
      newId: () => randomUUIDv7(),
      stored,
    };
    const recovery = startSweeper({
      subject: 'finishing payments that were left unfinished',
      sweep: () => settleOne(deps),
      everyMs: SWEEP_MS,
      log,
    });
    context.onStop(() => recovery.stop());
    bus.consume({ name, topics: ['stock_reserved'], handle: (event) => handleStockReserved(deps, event) });
    bus.consume({ name, topics: ['order_cancelled'], handle: (event) => handleOrderCancelled(deps, event) });

    return serveGrpc(context, config.PORT, (router) =>
      router.service(PaymentsService, {
        createPayment: async (request) => ({ payment: onTheWire(await createPayment(deps, request)) }),
        getPayment: async (request) => ({ payment: onTheWire(await findPayment(deps, request)) }),
        listPayments: async (request) => ({ payments: (await listPayments(deps, request)).map(onTheWire) }),
        refundPayment: async (request) => ({ payment: onTheWire(await refundPayment(deps, request)) }),
      }),
    );
  },
});

function onTheWire({ createdAt, updatedAt, status, ...payment }: PaymentView) {
  return {
    ...payment,
    userId: payment.userId ?? undefined,
    failureReason: payment.failureReason ?? undefined,
    status: PaymentStatus[status],
    createdAt: timestampFromDate(createdAt),
    updatedAt: timestampFromDate(updatedAt),
  };
}
