import { duration, environment, port, uri } from '@orderplane/shared/config.ts';
import * as z from 'zod';

const HOUR_MS = 3_600_000;

export const usersConfig = environment({
  PORT: port(50051),
  POSTGRES_URI: uri('postgres', 'postgresql'),
  /** Where the logins are kept; in Postgres without it. */
  REDIS_URI: uri('redis', 'rediss').optional(),
  /** Signing keys at rest are encrypted with it, and refresh tokens descend from each other by it. */
  IDENTITY_SECRET: z.string('is required').min(32, 'must have at least 32 characters'),
  ACCESS_TOKEN_TTL: duration('15m').refine((ms) => ms >= 1000 && ms <= 24 * HOUR_MS, 'must be between 1s and 24h'),
  REFRESH_TOKEN_TTL: duration('168h').refine(
    (ms) => ms >= 60_000 && ms <= 8760 * HOUR_MS,
    'must be between 1m and 8760h',
  ),
  KEY_ROTATION: duration('720h').refine((ms) => ms >= HOUR_MS && ms <= 8760 * HOUR_MS, 'must be between 1h and 8760h'),
});
