import { type Pool, query } from '@orderplane/shared/postgres.ts';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type PaymentMetrics = ReturnType<typeof paymentMetrics>;

export function paymentMetrics(metrics: Registry, pool: Pool) {
  const registers = [metrics];
  void new Gauge({
    name: 'payments_unsettled',
    help: 'Payments that wait for the answer of the processor.',
    registers,
    async collect() {
      const rows = await query<{ unsettled: number }>(
        pool,
        `select count(*)::int as unsettled from payments where status = 'PENDING' or (status = 'SUCCEEDED' and is_refund_wanted)`,
      ).catch(() => []);
      this.set(rows[0]?.unsettled ?? Number.NaN);
    },
  });
  return {
    succeeded: new Counter({
      name: 'payment_succeeded_total',
      help: 'Payments that were charged.',
      labelNames: ['method', 'status'],
      registers,
    }),
    failed: new Counter({
      name: 'payment_failed_total',
      help: 'Payments that were refused.',
      labelNames: ['method', 'failure_reason'],
      registers,
    }),
    refunded: new Counter({
      name: 'payment_refunded_total',
      help: 'Payments whose money was given back.',
      labelNames: ['method'],
      registers,
    }),
    processing: new Histogram({
      name: 'payment_processing_duration_seconds',
      help: 'Time that the processor took to answer.',
      labelNames: ['method', 'operation'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
  };
}
