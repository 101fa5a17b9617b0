import { environment, file, port, uri } from '@orderplane/shared/config.ts';

export const orderQueryConfig = environment({
  PORT: port(50055),
  MONGO_URI: uri('mongodb', 'mongodb+srv'),
  BROKER_URI: uri('nats'),
  BROKER_CA_FILE: file(),
});
