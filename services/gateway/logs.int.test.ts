import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from '@jest/globals';
import { root } from '@orderplane/hack/root.ts';

type Line = Readonly<Record<string, unknown>>;

let child: ChildProcess | undefined;
afterEach(() => void child?.kill('SIGKILL'));

/** The gateway as a process of its own, with nothing behind it; and all that it writes. */
async function startProcess() {
  const nobody = 'http://127.0.0.1:1';
  const started = spawn(process.execPath, [join(root, 'services', 'gateway', 'server.ts')], {
    env: { PORT: '0', MANAGEMENT_PORT: '0', DRAIN_DELAY_MS: '0', LOG_LEVEL: 'DEBUG', INVENTORY_URL: nobody, ORDERS_URL: nobody, ORDER_QUERY_URL: nobody }, // prettier-ignore
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = started;
  const lines: Line[] = [];
  const listening = Promise.withResolvers<number>();
  createInterface({ input: started.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    if (line.msg === 'listening') listening.resolve(line.port as number);
  });
  const over = once(started, 'close');
  return {
    base: `http://127.0.0.1:${await listening.promise}`,
    async stop(): Promise<Line[]> {
      started.kill('SIGTERM');
      await over;
      return lines;
    },
  };
}

test('every line is JSON with service and level; those of a request have its ids, whether it fails or not', async () => {
  const gateway = await startProcess();
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headers = { 'x-request-id': 'r1', 'x-correlation-id': 'c1', traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  expect((await fetch(`${gateway.base}/api/v1/inventory/products`, { headers })).status).toBe(503);
  expect((await fetch(`${gateway.base}/nothing`, { headers })).status).toBe(404);
  expect((await fetch(`${gateway.base}/api/v1/health`, { headers })).status).toBe(200);

  const lines = await gateway.stop();
  expect(lines.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['listening', 'answered', 'stopped']));
  for (const line of lines) {
    expect(line).toMatchObject({ service: 'gateway', level: expect.stringMatching(/^(?:debug|info|warn)$/), time: expect.any(String), msg: expect.any(String) }); // prettier-ignore
  }
  const ofRequests = lines.filter(({ msg, level }) => msg === 'answered' || level === 'warn');
  expect(ofRequests.map(({ level }) => level)).toEqual(expect.arrayContaining(['warn', 'debug']));
  // The service that is away is told beside the one that writes, not in its place.
  expect(ofRequests).toContainEqual(expect.objectContaining({ level: 'warn', upstream: 'inventory' }));
  const why = { msg: 'a service does not answer', upstream: 'orders', reason: expect.stringContaining('ECONNREFUSED') };
  expect(ofRequests).toContainEqual(expect.objectContaining(why));
  for (const line of ofRequests) {
    expect(line).toMatchObject({ requestId: 'r1', correlationId: 'c1', traceId, spanId: '00f067aa0ba902b7' });
  }
}, 60_000);
