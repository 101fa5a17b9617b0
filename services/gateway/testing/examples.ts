import { ORDER, PAYMENT } from './upstreams.ts';

/** Of one route: how it is called rightly, and what each caller gets. */
export interface Example {
  readonly path: string;
  readonly body?: object;
  readonly none: number;
  readonly own: number;
  readonly other: number;
  readonly admin: number;
  readonly trace?: number;
}

const everybody = (status: number) => ({ none: status, own: status, other: status, admin: status, trace: status });
const anyUser = (status: number) => ({ none: 401, own: status, other: status, admin: status });
const owned = (status: number, otherwise = 404) => ({ none: 401, own: status, other: otherwise, admin: status });

const credentials = { email: 'a@example.com', password: 'correct horse battery' };
const payment = { method: 'CREDIT_CARD', token: 'tok_ok' };

/** A route without a row fails the test of access. An expired token is as good as none, but for routes that look at none. */
export const EXAMPLES: Readonly<Record<string, Example>> = {
  'POST /auth/register': { path: '/auth/register', body: { ...credentials, name: 'A' }, ...everybody(201) },
  'POST /auth/login': { path: '/auth/login', body: credentials, ...everybody(200) },
  'POST /auth/refresh': { path: '/auth/refresh', body: { refreshToken: 'r' }, ...everybody(200) },
  'POST /auth/logout': { path: '/auth/logout', body: { refreshToken: 'r' }, ...everybody(204) },
  'GET /users/profile': { path: '/users/profile', ...anyUser(200) },
  'PUT /users/profile': { path: '/users/profile', body: { name: 'B' }, ...anyUser(200) },
  'GET /inventory/products': { path: '/inventory/products?search=a&category=c&first=5', ...everybody(200) },
  'GET /inventory/products/:id': { path: '/inventory/products/p0', ...everybody(200) },
  'GET /inventory/categories': { path: '/inventory/categories', ...everybody(200) },
  'GET /inventory/stock/:productId': { path: '/inventory/stock/p0', ...everybody(200) },
  'POST /orders': {
    path: '/orders',
    body: { lines: [{ productId: 'p0', qty: 1 }, { productId: 'p1', qty: 2 }], payment }, // prettier-ignore
    ...anyUser(201),
  },
  'GET /orders': { path: '/orders?first=10', ...anyUser(200) },
  'GET /orders/:id': { path: `/orders/${ORDER}?minVersion=1`, ...owned(200) },
  'GET /orders/:id/trace': { path: `/orders/${ORDER}/trace`, ...owned(200), trace: 200 },
  'POST /orders/:id/cancel': { path: `/orders/${ORDER}/cancel`, ...owned(202) },
  'POST /payments': { path: '/payments', body: { orderId: ORDER, ...payment }, none: 401, own: 201, other: 409, admin: 409 }, // prettier-ignore
  'GET /payments': { path: `/payments?orderId=${ORDER}`, ...anyUser(200) },
  'GET /payments/:id': { path: `/payments/${PAYMENT}`, ...owned(200) },
  'POST /payments/:id/refund': { path: `/payments/${PAYMENT}/refund`, ...owned(200) },
  'GET /health': { path: '/health', ...everybody(200) },
};
