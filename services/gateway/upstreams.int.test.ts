import { afterEach, describe, expect, test } from '@jest/globals';
import { EXAMPLES } from './testing/examples.ts';
import { startGateway, type TestGateway } from './testing/gateway.ts';

let gateway: TestGateway | undefined;
afterEach(() => gateway?.stop());

/** An address where nobody listens. */
const NOBODY = 'http://127.0.0.1:1';

describe('a service that is away', () => {
  test.each([
    ['INVENTORY_URL', 'inventory', 'GET /inventory/products'],
    ['ORDERS_URL', 'orders', 'POST /orders'],
    ['ORDERS_URL', 'orders', 'GET /orders/:id/trace'],
    ['ORDER_QUERY_URL', 'order-query', 'GET /orders'],
    ['PAYMENTS_URL', 'payments', 'POST /payments'],
    ['USERS_URL', 'users', 'POST /auth/login'],
    // Without its keys nobody can be told from anybody.
    ['USERS_URL', 'users', 'GET /orders'],
  ])(
    '(%s) is named, and the client told when to try again: %s, %s',
    async (variable, service, name) => {
      gateway = await startGateway({ [variable]: NOBODY });
      const { path, body } = EXAMPLES[name]!;
      const answer = await gateway.send(name.split(' ')[0]!, `/api/v1${path}`, { token: gateway.tokens.own, body });
      expect(answer).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE', service } });
      expect(answer.headers.get('retry-after')).toBe('2');
      expect(JSON.stringify(answer.body)).not.toMatch(/127\.0\.0\.1|ECONN/);
    },
    15_000,
  );

  test('is shown by the health of the whole; one that is not part of the platform is not', async () => {
    gateway = await startGateway({ ORDER_QUERY_URL: NOBODY, PAYMENTS_URL: '' });
    expect(await gateway.send('GET', '/api/v1/health')).toMatchObject({
      status: 200,
      body: {
        status: 'degraded',
        services: { inventory: 'ok', orders: 'ok', 'order-query': 'unavailable', users: 'ok' },
      },
    });
  });
});

test('however many ask for the health of the whole, the services are asked once', async () => {
  gateway = await startGateway();
  const answers = await Promise.all(Array.from({ length: 50 }, () => gateway!.send('GET', '/api/v1/health')));
  expect(new Set(answers.map(({ body }) => body.status))).toEqual(new Set(['ok']));
  expect(gateway.state.calls.filter(({ method }) => method === 'getOrder')).toHaveLength(1);
});
