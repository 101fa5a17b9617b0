import { environment, port, uri } from '@orderplane/shared/config.ts';

export const inventoryConfig = environment({
  PORT: port(50053),
  POSTGRES_URI: uri('postgres', 'postgresql'),
});
