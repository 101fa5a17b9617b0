import { duration, environment, file, port, uri } from '@orderplane/shared/config.ts';
import * as z from 'zod';
import type { Step } from './order/decide.ts';

const STEPS: Readonly<Record<string, readonly Step[]>> = {
  '': [],
  stock: ['stock'],
  'stock,payment': ['stock', 'payment'],
};

export const ordersConfig = environment({
  PORT: port(50052),
  POSTGRES_URI: uri('postgres', 'postgresql'),
  BROKER_URI: uri('nats'),
  BROKER_CA_FILE: file(),
  INVENTORY_URL: uri('http'),
  /** What has to be done before an order is confirmed. */
  SAGA_STEPS: z
    .enum(Object.keys(STEPS), "must be empty, 'stock' or 'stock,payment'")
    .default('')
    .transform((steps) => STEPS[steps] ?? []),
  STOCK_TIMEOUT: duration('30s'),
  PAYMENT_TIMEOUT: duration('15m'),
  /** After how many of its events an order's state is stored beside them. */
  SNAPSHOT_INTERVAL: z.coerce
    .number('must be a number of events')
    .int('must be a number of events')
    .min(1, 'must be at least 1')
    .max(10_000, 'must be 10000 at most')
    .default(50),
});
