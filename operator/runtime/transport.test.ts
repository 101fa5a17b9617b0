import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { realClock } from './clock.ts';
import { loadCredentials } from './credentials.ts';
import { ApiError } from './errors.ts';
import { FencedError } from './fence.ts';
import { silentLogger } from './log.ts';
import { createTransport, type HttpRequest } from './transport.ts';
import { eventually } from './testing/eventually.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const status =
  (code: number, headers: Record<string, string> = {}, body: object = {}): Answer =>
  (_, response) => {
    response.writeHead(code, headers).end(JSON.stringify(body));
  };
const hangUp: Answer = (request) => void request.socket.destroy();

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A transport to a server that gives these answers in turn; waiting takes no time, but is written down. */
async function setup(answers: Answer[]) {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.method ?? '');
    (answers.shift() ?? status(200))(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const pauses: number[] = [];
  let invalidated = 0;
  const transport = createTransport(
    {
      server: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`),
      current: async () => ({ headers: { authorization: `Bearer ${invalidated}` }, tls: {} }),
      invalidate: () => void invalidated++,
    },
    {
      userAgent: 'test',
      log: silentLogger,
      clock: {
        ...realClock,
        setTimeout(callback, ms) {
          pauses.push(ms);
          setImmediate(callback);
          return () => {};
        },
      },
    },
  );
  const codes: string[] = [];
  transport.observe(({ code }) => codes.push(code));
  cleanups.push(
    () => server.close(),
    () => server.closeAllConnections(),
    () => transport.close(),
  );
  return { transport, seen, codes, pauses, invalidated: () => invalidated };
}

describe('after a failure', () => {
  const cases: Record<string, { method: HttpRequest['method']; answers: Answer[]; codes: string[]; fails?: boolean }> =
    {
      'a read is sent again when the connection breaks': {
        method: 'GET',
        answers: [hangUp, status(200)],
        codes: ['<error>', '200'],
      },
      'an apply is sent again when the server is unavailable': {
        method: 'PATCH',
        answers: [status(503), status(200)],
        codes: ['503', '200'],
      },
      'a create is not sent again, as it may have happened': {
        method: 'POST',
        answers: [hangUp],
        codes: ['<error>'],
        fails: true,
      },
      'a create that the server refused for load is sent again': {
        method: 'POST',
        answers: [status(429), status(201)],
        codes: ['429', '201'],
      },
      'a conflict is not sent again': { method: 'PATCH', answers: [status(409)], codes: ['409'], fails: true },
      'sending ends after five retries': {
        method: 'GET',
        answers: Array(9).fill(status(500)),
        codes: Array(6).fill('500'),
        fails: true,
      },
    };
  test.each(Object.entries(cases))('%s', async (_, { method, answers, codes, fails }) => {
    const t = await setup(answers);
    const request = t.transport.request({ method, path: '/x', body: method === 'GET' ? undefined : {} });
    await (fails ? expect(request).rejects.toThrow() : request);
    expect(t.codes).toEqual(codes);
  });

  test('Retry-After is honoured', async () => {
    const t = await setup([status(429, { 'retry-after': '7' })]);
    await t.transport.request({ method: 'GET', path: '/x' });
    expect(t.pauses).toEqual([7_000]);
  });

  test('credentials are looked up again after a 401, once', async () => {
    const seen: (string | undefined)[] = [];
    const refuse: Answer = (request, response) => {
      seen.push(request.headers.authorization);
      status(401)(request, response);
    };
    const t = await setup([refuse, refuse]);
    await expect(t.transport.request({ method: 'POST', path: '/x' })).rejects.toMatchObject({ status: 401 });
    expect(seen).toEqual(['Bearer 0', 'Bearer 1']);
  });

  test('nothing is sent again once the caller gave up', async () => {
    const abort = new AbortController();
    const t = await setup([(request, response) => (abort.abort(), status(503)(request, response))]);
    await expect(t.transport.request({ method: 'GET', path: '/x', signal: abort.signal })).rejects.toThrow();
    expect(t.codes.length).toBe(1);
  });
});

describe('a fence', () => {
  /** A fence that is opened and closed by hand. */
  function gate() {
    const ended = new AbortController();
    const fence = {
      isOpen: true,
      ended,
      signal: ended.signal,
      closed: () => (fence.isOpen ? undefined : new FencedError('shut')),
    };
    return fence;
  }

  test('lets reads through, and sends no write while it is closed', async () => {
    const t = await setup([]);
    const fence = gate();
    t.transport.fence(fence);
    fence.isOpen = false;
    await t.transport.request({ method: 'GET', path: '/x' });
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      await expect(t.transport.request({ method, path: '/x' })).rejects.toThrow(FencedError);
    }
    expect(t.seen).toEqual(['GET']);
    fence.isOpen = true;
    await t.transport.request({ method: 'POST', path: '/x' });
    expect(t.seen).toEqual(['GET', 'POST']);
  });

  test('cuts off writes under way, and holds back those that wait for a connection', async () => {
    const held: Answer = () => {};
    const t = await setup(Array.from({ length: 16 }, () => held));
    const fence = gate();
    t.transport.fence(fence);
    const writes = Array.from({ length: 40 }, () => t.transport.request({ method: 'PATCH', path: '/x' }));
    const settled = Promise.allSettled(writes);
    await eventually('16 writes to arrive', () => t.seen.length === 16);
    fence.isOpen = false;
    fence.ended.abort(new FencedError('shut'));
    const results = await settled;
    expect(results.every((result) => result.status === 'rejected' && result.reason instanceof FencedError)).toBe(true);
    await t.transport.request({ method: 'GET', path: '/x' });
    expect(t.seen.slice(16)).toEqual(['GET']);
  });

  test('is asked again when a write leaves, not only when it is queued', async () => {
    const release: (() => void)[] = [];
    const held: Answer = (request, response) => void release.push(() => status(200)(request, response));
    const t = await setup(Array.from({ length: 16 }, () => held));
    const fence = gate();
    t.transport.fence(fence);
    const first = Array.from({ length: 16 }, () => t.transport.request({ method: 'PATCH', path: '/x' }));
    await eventually('16 writes to arrive', () => t.seen.length === 16);
    const queued = t.transport.request({ method: 'PATCH', path: '/late' });
    const refused = expect(queued).rejects.toThrow(FencedError);
    fence.isOpen = false;
    for (const answer of release) answer();
    await Promise.all(first);
    await refused;
    expect(t.seen.length).toBe(16);
  });
});

test('a refusal says what the server said', async () => {
  const body = { message: 'ports is invalid', reason: 'Invalid', details: { causes: [{ field: 'spec.ports' }] } };
  const t = await setup([status(422, {}, body)]);
  const error = await t.transport.request({ method: 'PATCH', path: '/x', body: {} }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ ...body, status: 422 });
});

test('a stream that falls silent fails', async () => {
  const t = await setup([(_, response) => void response.writeHead(200).write('{"a":1}\n')]);
  const stream = await t.transport.stream({ method: 'GET', path: '/watch', idleMs: 100 });
  const chunks: string[] = [];
  const read = async () => {
    for await (const chunk of stream) chunks.push(chunk.toString());
  };
  await expect(read()).rejects.toThrow('Body Timeout');
  expect(chunks).toEqual(['{"a":1}\n']);
});

test('the server may live under a path, and empty query parameters are left out', async () => {
  let url: string | undefined;
  const t = await setup([(request, response) => ((url = request.url), status(200)(request, response))]);
  await t.transport.request({ method: 'GET', path: '/api', query: { a: 1, b: undefined, c: '', d: 'x y' } });
  expect(url).toBe('/prefix/api?a=1&d=x+y');
});

test('credentials of a kubeconfig come from its command, and again when they were refused', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  cleanups.push(() => rm(dir, { recursive: true }));
  const path = join(dir, 'config');
  const token = join(dir, 'token');
  await writeFile(token, JSON.stringify({ status: { token: 'first' } }));
  await writeFile(
    path,
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: 'https://example.test:6443', 'insecure-skip-tls-verify': true } }],
      users: [
        { name: 'u', user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'cat', args: [token] } } },
      ],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    }),
  );
  const credentials = await loadCredentials({ path, context: 'x' });
  expect(credentials.server.host).toBe('example.test:6443');
  expect(await credentials.current()).toEqual({
    headers: { Authorization: 'Bearer first' },
    tls: { rejectUnauthorized: false },
  });
  await writeFile(token, JSON.stringify({ status: { token: 'second' } }));
  expect((await credentials.current()).headers).toEqual({ Authorization: 'Bearer first' });
  credentials.invalidate();
  expect((await credentials.current()).headers).toEqual({ Authorization: 'Bearer second' });
});
