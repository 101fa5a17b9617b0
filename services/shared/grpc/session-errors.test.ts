import { once } from 'node:events';
import http2 from 'node:http2';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { guardSessions } from './session-errors.ts';

test('a session that cannot connect closes, and does not end the process, when nobody listens for its errors', async () => {
  guardSessions();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const session = http2.connect(`http://127.0.0.1:${port}`);
  await new Promise((resolve) => session.once('close', resolve));
  expect(session.destroyed).toBe(true);
});
