import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { createLogger } from './log.ts';
import { createPool, inTransaction } from './postgres.ts';

/** A message of Postgres's protocol: a letter, its own length, and what it says. */
const message = (letter: string, body: string) =>
  Buffer.concat([Buffer.from(letter), lengthOf(body), Buffer.from(body, 'latin1')]);
const lengthOf = (body: string) => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return length;
};

const LOGGED_IN = message('R', '\0\0\0\0');
const READY = message('Z', 'I');
const DYING = message('E', 'SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0');

test('a server that is killed just as it gives out a connection fails the transaction, and not the process', async () => {
  // All in one packet: whoever asked for the connection has not been able to look at it yet.
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(Buffer.concat([LOGGED_IN, READY, DYING])));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const uri = `postgres://nobody:none@127.0.0.1:${port}/none`;
  const pool = createPool({ uri, name: 'test', log: createLogger('test', 'silent') });
  try {
    const work = inTransaction(pool, (transaction) => transaction.query('select 1'));
    await expect(work).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  } finally {
    await pool.end();
    server.close();
  }
});
