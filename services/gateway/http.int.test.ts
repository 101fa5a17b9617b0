import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startGateway, type TestGateway } from './testing/gateway.ts';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ PROFILE: 'prod' });
});
afterAll(() => gateway?.stop());

describe('an answer', () => {
  test.each([
    ['of an unknown address', 'GET', '/api/v1/nothing', 404, 'NOT_FOUND', null],
    ['of an unknown address with a method of its own', 'DELETE', '/nothing', 404, 'NOT_FOUND', null],
    ['of a method that a route lacks', 'DELETE', '/api/v1/orders', 405, 'METHOD_NOT_ALLOWED', 'POST, GET'],
    ['of a method that GraphQL lacks', 'GET', '/graphql', 405, 'METHOD_NOT_ALLOWED', 'POST'],
    ['of the console, in prod', 'GET', '/graphiql', 404, 'NOT_FOUND', null],
  ])('%s is a problem', async (_sentence, method, path, status, code, allow) => {
    const answer = await gateway.send(method, path);
    expect(answer).toMatchObject({ status, body: { status, code, type: `/docs#${code}` } });
    expect(answer.headers.get('allow')).toBe(allow);
  });

  test('has the ids of its request, and makes those that are missing', async () => {
    const headers = { 'x-request-id': 'r-1' };
    const given = await gateway.send('GET', '/api/v1/nothing', { headers });
    expect([given.headers.get('x-request-id'), given.body.requestId]).toEqual(['r-1', 'r-1']);
    const made = await gateway.send('GET', '/api/v1/orders');
    expect(made.headers.get('x-request-id')).toBe(made.body.requestId);
    expect(made.body.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each(['/api/v1/health', '/api/v1/nothing', '/docs', '/'])(
    'has the headers that keep browsers in: %s',
    async (path) => {
      const { headers } = await gateway.send('GET', path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none';.*frame-ancestors 'none'/);
      expect(headers.get('strict-transport-security')).toBeNull();
    },
  );

  test('asks browsers to stay with TLS where they came by it', async () => {
    const { headers } = await gateway.send('GET', '/', { headers: { 'x-forwarded-proto': 'https' } });
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
  });

  test("may be read by another origin's page, which is told what it may send", async () => {
    const headers = { origin: 'https://shop.example', 'access-control-request-method': 'PUT' };
    const preflight = await gateway.send('OPTIONS', '/api/v1/users/profile', { headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('idempotency-key');
    const answer = await gateway.send('GET', '/api/v1/health', { headers: { origin: 'https://shop.example' } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-expose-headers')).toContain('retry-after');
  });
});

describe('the documentation', () => {
  test('describes every route, and refers to nothing that is not there', async () => {
    const { body: document } = await gateway.send('GET', '/docs/json');
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.values<object>(document.paths).flatMap((path) => Object.values<{ operationId: string }>(path as never)); // prettier-ignore
    expect(operations).toHaveLength(20);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(20);
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    expect(refs.length).toBeGreaterThan(40);
    expect(refs.filter((name) => !(name! in document.components.schemas))).toEqual([]);
    expect(document.paths['/api/v1/orders/{id}'].get.parameters).toMatchObject([
      { name: 'id', in: 'path', required: true, schema: { format: 'uuid' } },
      { name: 'minVersion', in: 'query', required: false },
    ]);
  });

  test('is a page whose own script alone may run', async () => {
    const { headers, body, type } = await gateway.send('GET', '/docs');
    expect(type).toMatch('text/html');
    expect(headers.get('content-security-policy')).toMatch(/script-src 'sha256-[\w+/=]+'; style-src 'sha256-/);
    expect(body).toContain('id="ORDER_NOT_PAYABLE"');
  });
});

test('a gateway that is about to close answers on, and has its clients connect elsewhere', async () => {
  const closing = await startGateway({ DRAIN_DELAY_MS: '500' });
  const ask = async () => {
    const { status, headers } = await closing.send('GET', '/api/v1/nothing');
    return [status, headers.get('connection')];
  };
  expect(await ask()).toEqual([404, 'keep-alive']);
  const closed = closing.stop();
  expect(await ask()).toEqual([404, 'close']);
  await closed;
  await expect(ask()).rejects.toThrow('fetch failed');
});
