import { environment, port, uri } from '@orderplane/shared/config.ts';
import * as z from 'zod';

export const gatewayConfig = environment({
  PORT: port(8080),
  PROFILE: z.enum(['dev', 'staging', 'prod'], 'must be dev, staging or prod').default('prod'),
  INVENTORY_URL: uri('http'),
  ORDERS_URL: uri('http'),
  ORDER_QUERY_URL: uri('http'),
  /** Without it no token is valid: nobody can order the verification's product, nor cancel. */
  VERIFICATION_KEY: z.string().min(32, 'must have at least 32 characters').optional(),
});

export type GatewayConfig = z.infer<typeof gatewayConfig>;
