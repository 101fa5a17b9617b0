import { Counter, Histogram, type Registry } from 'prom-client';
import type { OrderEvent } from './order/events.ts';

export type OrdersMetrics = ReturnType<typeof ordersMetrics>;

/** Which step of the saga an event ends. */
const STEP_ENDED_BY: Readonly<Partial<Record<OrderEvent['type'], string>>> = {
  order_stock_reserved: 'stock',
  order_paid: 'payment',
  order_stock_released: 'stock_release',
  order_refunded: 'refund',
};

/** Counts what was stored, in the process that stored it. */
export function ordersMetrics(registry: Registry) {
  const registers = [registry];
  const created = new Counter({ name: 'orders_created_total', help: 'Orders that were created.', registers });
  const confirmed = new Counter({ name: 'orders_confirmed_total', help: 'Orders that were confirmed.', registers });
  const cancelled = new Counter({
    name: 'orders_cancelled_total',
    help: 'Orders that were cancelled, by reason; requested: somebody asked for it.',
    labelNames: ['reason'],
    registers,
  });
  const steps = new Histogram({
    name: 'orders_saga_step_seconds',
    help: 'Time from an event of an order to the end of the step of its saga that followed.',
    labelNames: ['step'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
    registers,
  });
  return {
    observe(events: readonly OrderEvent[], { since, at }: { since: Date | undefined; at: Date }): void {
      for (const event of events) {
        if (event.type === 'order_created') created.inc();
        else if (event.type === 'order_confirmed') confirmed.inc();
        else if (event.type === 'order_cancelled') cancelled.inc({ reason: event.data.reason });
        const step = STEP_ENDED_BY[event.type];
        if (step !== undefined && since) steps.observe({ step }, (at.getTime() - since.getTime()) / 1000);
      }
    },
  };
}
