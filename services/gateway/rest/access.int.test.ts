import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ALL_ROUTES } from '../testing/all-routes.ts';
import { EXAMPLES } from '../testing/examples.ts';
import { startGateway, type TestGateway } from '../testing/gateway.ts';
import { ANONYMOUS_ORDER, ORDER } from '../testing/upstreams.ts';
import { ADMIN, issuer, operatorToken, OWNER, STRANGER } from '../testing/tokens.ts';
import { PREFIX } from './plugin.ts';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.stop());

const names = ALL_ROUTES.map(({ method, path }) => `${method} ${path}`);

test('every route has a row, and every row a route', () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual(names.toSorted());
});

describe.each(names)('%s', (name) => {
  const [method = ''] = name.split(' ');
  const { path, body, none, own, other, admin, trace = 403 } = EXAMPLES[name]!;
  const isPublic = none < 400;

  test.each<[string, () => Promise<string | undefined>, number]>([
    ['no token', async () => undefined, none],
    ['an expired token', async () => gateway.tokens.expired, none],
    ['a token that is none', async () => 'abc', none],
    ["another platform's token", async () => (await issuer()).token(), none],
    ["its owner's", async () => gateway.tokens.own, own],
    ["another user's", async () => gateway.tokens.other, other],
    ["an admin's", async () => gateway.tokens.admin, admin],
    ["the operator's, to trace", () => operatorToken({ scope: 'trace' }), trace],
    ["the operator's, to verify", () => operatorToken({ scope: 'verify' }), isPublic ? none : 403],
  ])('answers %s', async (_sentence, tokenOf, expected) => {
    const answer = await gateway.send(method, PREFIX + path, { token: await tokenOf(), body });
    expect(answer.status).toBe(expected);
    if (expected < 400) return;
    expect(answer.type).toMatch('application/problem+json');
    expect(answer.body).toMatchObject({ status: expected, code: expect.any(String), requestId: expect.any(String) });
  });
});

describe('the services are asked on behalf of', () => {
  const asked = async (method: string, path: string, token: string, called: string, body?: object) => {
    gateway.state.calls.length = 0;
    await gateway.send(method, PREFIX + path, { token, body });
    return gateway.state.calls.find((call) => call.method === called)?.request;
  };

  test.each<[string, 'own' | 'other' | 'admin', string | undefined]>([
    ['a user, for their own', 'own', OWNER],
    ['another user, for theirs', 'other', STRANGER],
    ["an admin, for everybody's", 'admin', undefined],
  ])('%s', async (_sentence, who, userId) => {
    const token = gateway.tokens[who];
    const only = userId === undefined ? expect.not.objectContaining({ userId: expect.anything() }) : expect.objectContaining({ userId }); // prettier-ignore
    expect(await asked('GET', '/orders', token, 'listOrders')).toEqual(only);
    expect(await asked('GET', `/orders/${ORDER}`, token, 'getOrder')).toEqual(only);
    expect(await asked('POST', `/orders/${ORDER}/cancel`, token, 'cancelOrder')).toEqual(only);
    expect(await asked('GET', '/payments', token, 'listPayments')).toEqual(only);
    // What one makes is one's own, an admin's too.
    const maker = expect.objectContaining({ userId: userId ?? ADMIN });
    expect(await asked('POST', '/orders', token, 'createOrder', EXAMPLES['POST /orders']?.body)).toEqual(maker);
    expect(await asked('POST', '/payments', token, 'createPayment', EXAMPLES['POST /payments']?.body)).toEqual(maker);
  });
});

describe('without accounts and payments', () => {
  test('their routes are not there, and orders are anonymous where that is allowed', async () => {
    const plain = await startGateway({ USERS_URL: '', PAYMENTS_URL: '', ANONYMOUS_ORDERS: 'true' });
    try {
      for (const name of names.filter((each) => /auth|users|payments/.test(each))) {
        const [method = ''] = name.split(' ');
        const { path, body } = EXAMPLES[name]!;
        expect(await plain.send(method, PREFIX + path, { body })).toMatchObject({
          status: 404,
          body: { code: 'NOT_FOUND' },
        });
      }
      expect(await plain.send('POST', `${PREFIX}/orders`, { body: EXAMPLES['POST /orders']?.body })).toMatchObject({ status: 201 }); // prettier-ignore
      const listed = await plain.send('GET', `${PREFIX}/orders`);
      expect(listed.body.items.map(({ id }: { id: string }) => id)).toEqual([ANONYMOUS_ORDER]);
      expect(await plain.send('GET', `${PREFIX}/orders/${ORDER}`)).toMatchObject({ status: 404 });
      expect(await plain.send('GET', `${PREFIX}/orders/${ANONYMOUS_ORDER}`)).toMatchObject({ status: 200 });
      expect(await plain.send('POST', `${PREFIX}/orders/${ANONYMOUS_ORDER}/cancel`)).toMatchObject({ status: 401 });
      // Nobody could have issued it.
      expect(await plain.send('GET', `${PREFIX}/orders`, { token: plain.tokens.own })).toMatchObject({ status: 401 });
    } finally {
      await plain.stop();
    }
  });
});
