import { restRoutes } from '../rest/routes.ts';

const nothing = {} as never;

/** What there is to ask for, on a platform with every service; nobody answers. */
export const ALL_ROUTES = restRoutes(
  { inventory: nothing, orders: nothing, orderQuery: nothing, users: nothing, payments: nothing },
  nothing,
  nothing,
);
