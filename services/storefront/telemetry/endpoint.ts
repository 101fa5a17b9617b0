/** The routes of the shop, as metrics and traces name them; the folders of `app/` are the same. */
export const ENDPOINTS = [
  '/',
  '/account',
  '/backend/account',
  '/backend/api/*',
  '/backend/products',
  '/backend/session',
  '/cart',
  '/checkout',
  '/orders',
  '/orders/:id',
  '/products/:id',
  '/register',
  '/sign-in',
] as const;

/** Scripts, styles and pictures, of which a visit asks for many. */
export const STATIC = 'static';
const UNKNOWN = 'unknown';

const PATTERNS = ENDPOINTS.map((endpoint) => {
  const pattern = endpoint.replace(/:\w+/, '[^/]+').replace('*', '.+');
  return { endpoint, matches: new RegExp(`^${pattern}$`) };
});

/** The route of a path, so that the values of a label are few. */
export function endpointOf(url: string): string {
  const [path = ''] = url.split('?', 1);
  if (path.startsWith('/_next/') || path === '/icon.svg') return STATIC;
  return PATTERNS.find(({ matches }) => matches.test(path))?.endpoint ?? UNKNOWN;
}
