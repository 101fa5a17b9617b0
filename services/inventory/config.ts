import { duration, environment, file, port, uri } from '@orderplane/shared/config.ts';

export const inventoryConfig = environment({
  PORT: port(50053),
  POSTGRES_URI: uri('postgres', 'postgresql'),
  BROKER_URI: uri('nats'),
  BROKER_CA_FILE: file(),
  /** How long an order's pieces are set aside for it. Longer than orders waits for its payment. */
  RESERVATION_TTL: duration('1h'),
});
