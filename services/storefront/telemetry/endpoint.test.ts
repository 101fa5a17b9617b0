import { glob } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { endpointOf, ENDPOINTS } from './endpoint.ts';

test('every page and handler of the app is an endpoint, and nothing else is', async () => {
  const cwd = fileURLToPath(new URL('../app', import.meta.url));
  const files = await Array.fromAsync(glob('**/{page.tsx,route.ts}', { cwd }));
  const routes = files.map((file) => `/${file.replace(/\/?(?:page\.tsx|route\.ts)$/, '')}`);
  const named = routes.map((route) => route.replace(/\[\.{3}\w+\]/, '*').replace(/\[(\w+)\]/g, ':$1'));
  expect(named.toSorted()).toEqual([...ENDPOINTS].toSorted());
});

test.each([
  ['/', '/'],
  ['/?category=tools', '/'],
  ['/products/p1?_rsc=1a', '/products/:id'],
  ['/orders/01a1', '/orders/:id'],
  ['/orders/01a1/more', 'unknown'],
  ['/backend/api/auth/login', '/backend/api/*'],
  ['/backend/api', 'unknown'],
  ['/_next/static/chunks/a.js', 'static'],
  ['/icon.svg', 'static'],
  ['/wp-login.php', 'unknown'],
])('%s is of %s', (url, endpoint) => expect(endpointOf(url)).toBe(endpoint));
