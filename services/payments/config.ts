import { environment, file, port, uri } from '@orderplane/shared/config.ts';
import * as z from 'zod';

export const paymentsConfig = environment({
  PORT: port(50054),
  POSTGRES_URI: uri('postgres', 'postgresql'),
  BROKER_URI: uri('nats'),
  BROKER_CA_FILE: file(),
  PROCESSOR: z.enum(['sandbox'], 'must be sandbox').default('sandbox'),
  /** How long the sandbox takes for a charge. */
  SANDBOX_LATENCY_MS: z.coerce.number().int().min(0).max(10_000).default(0),
});
