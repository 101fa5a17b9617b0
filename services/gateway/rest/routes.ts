import type { Logger } from '@orderplane/shared/log.ts';
import type { Shop } from '../shop.ts';
import type { Upstreams } from '../upstreams.ts';
import { accountRoutes } from './accounts.ts';
import { catalogueRoutes } from './catalogue.ts';
import { healthRoutes } from './health.ts';
import { orderRoutes } from './orders.ts';
import { paymentRoutes } from './payments.ts';
import type { Route } from './route.ts';

/** Everything below /api/v1, of a platform with these services. */
export function restRoutes(upstreams: Upstreams, shop: Shop, log: Logger): Route[] {
  return [
    ...accountRoutes(upstreams),
    ...catalogueRoutes(upstreams),
    ...orderRoutes(shop),
    ...paymentRoutes(upstreams),
    ...healthRoutes(upstreams, { now: () => performance.now(), log }),
  ];
}
