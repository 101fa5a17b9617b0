import { environment, port, uri } from '@orderplane/shared/config.ts';
import * as z from 'zod';

const perMinute = (fallback: number) =>
  z.coerce.number('must be a number').int().min(1).max(10_000_000).default(fallback);

export const gatewayConfig = environment({
  PORT: port(8080),
  PROFILE: z.enum(['dev', 'staging', 'prod'], 'must be dev, staging or prod').default('prod'),
  INVENTORY_URL: uri('http'),
  ORDERS_URL: uri('http'),
  ORDER_QUERY_URL: uri('http'),
  /** Without it there are no accounts: no token of a user is valid, and what is about users is not there. */
  USERS_URL: uri('http').optional(),
  /** Without it what is about payments is not there. */
  PAYMENTS_URL: uri('http').optional(),
  /** Where all replicas count requests together. Without it each counts by itself. */
  REDIS_URI: uri('redis', 'rediss').optional(),
  /** Whether orders can be made and seen without an account. */
  ANONYMOUS_ORDERS: z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .transform((value) => value === 'true'),
  /** Without it no token of the operator is valid: nobody can order the verification's product. */
  VERIFICATION_KEY: z.string().min(32, 'must have at least 32 characters').optional(),
  /** Of one address, and of one user. */
  RATE_LIMIT_PER_MINUTE: perMinute(6000),
  /** Attempts to log in or register from one address with one account. */
  AUTH_RATE_LIMIT_PER_MINUTE: perMinute(20),
  /** Whose X-Forwarded-For is believed: addresses, networks, and the names loopback, linklocal and uniquelocal. */
  TRUSTED_PROXIES: z.string().default('loopback,linklocal,uniquelocal'),
});

export type GatewayConfig = z.infer<typeof gatewayConfig>;
