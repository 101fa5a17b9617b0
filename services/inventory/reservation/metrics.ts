import { type Pool, query } from '@orderplane/shared/postgres.ts';
import { Counter, Gauge, type Registry } from 'prom-client';

export type ReservationMetrics = ReturnType<typeof reservationMetrics>;

export function reservationMetrics(metrics: Registry, pool: Pool) {
  const registers = [metrics];
  void new Gauge({
    name: 'stock_reservations',
    help: 'Orders whose pieces are set aside.',
    registers,
    async collect() {
      const rows = await query<{ held: number }>(
        pool,
        `select count(*)::int as held from reservations where status = 'held'`,
      ).catch(() => []);
      this.set(rows[0]?.held ?? Number.NaN);
    },
  });
  return {
    reserved: new Counter({ name: 'stock_reserved_total', help: 'Orders whose pieces were set aside.', registers }),
    rejected: new Counter({
      name: 'stock_rejected_total',
      help: 'Orders that wanted more than there was.',
      labelNames: ['reason'],
      registers,
    }),
    released: new Counter({
      name: 'stock_released_total',
      help: 'Orders whose pieces were given back.',
      labelNames: ['reason'],
      registers,
    }),
  };
}
