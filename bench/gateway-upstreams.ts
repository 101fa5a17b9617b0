/** The played services behind the gateway, in a process of their own: on $PORT, with the keys of $JWKS and $ORDERS orders. And on $BARE_PORT what HTTP alone can do. */
import { createServer } from 'node:http';
import { fakeServices, serveFakes } from '@orderplane/gateway/testing/upstreams.ts';

const { PORT, BARE_PORT, JWKS = '', ORDERS, BARE_BYTES } = process.env;

// What was called is not looked at here, and must not pile up.
const calls = Object.assign([], { push: () => 0 });
await serveFakes(fakeServices({ calls, jwks: () => JWKS, orders: Number(ORDERS) }), Number(PORT));
const body = 'x'.repeat(Number(BARE_BYTES));
createServer((request, response) => {
  request.resume().on('end', () => response.end(body));
}).listen(Number(BARE_PORT));
