import { environment, file, port, uri } from '@orderplane/shared/config.ts';

export const ordersConfig = environment({
  PORT: port(50052),
  POSTGRES_URI: uri('postgres', 'postgresql'),
  BROKER_URI: uri('nats'),
  BROKER_CA_FILE: file(),
  INVENTORY_URL: uri('http'),
});
