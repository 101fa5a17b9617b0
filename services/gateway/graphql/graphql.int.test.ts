import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { getIntrospectionQuery } from 'graphql';
import { startGateway, type TestGateway } from '../testing/gateway.ts';
import { operatorToken, OWNER } from '../testing/tokens.ts';
import { ANONYMOUS_ORDER, ORDER } from '../testing/upstreams.ts';

const PAGE = '{ orders(first: 100) { items { id total lines { productId qty product { name price } } } next } }';
const CREATE = 'mutation ($productId: ID!, $qty: Int!) { createOrder(productId: $productId, qty: $qty) { id productId qty createdAt } }'; // prettier-ignore
const CANCEL = `mutation { cancelOrder(id: "${ORDER}") { id status version } }`;
const FIND = `{ order(id: "${ORDER}") { id } }`;

let gateway: TestGateway;
let anonymous: TestGateway;

beforeAll(async () => {
  [gateway, anonymous] = await Promise.all([
    startGateway({ PROFILE: 'dev' }),
    startGateway({ ANONYMOUS_ORDERS: 'true' }),
  ]);
});
afterAll(() => Promise.all([gateway?.stop(), anonymous?.stop()]));
beforeEach(() => {
  gateway.state.calls.length = 0;
  gateway.state.orders = 2;
});

const codeOf = ({ body }: { body: { errors?: { extensions: { code: string } }[] } }) =>
  body.errors?.[0]?.extensions.code;

describe('a page of orders with their products', () => {
  test.each([1, 100])('takes one call a service, and a look-up of each product: %i orders', async (orders) => {
    gateway.state.orders = orders;
    const answer = await gateway.graphql(PAGE, {}, { token: gateway.tokens.admin });
    expect(answer.body.errors).toBeUndefined();
    expect(answer.body.data.orders.items).toHaveLength(orders);
    expect(answer.body.data.orders.items[0].lines[1]).toEqual({ productId: 'p1', qty: 1, product: { name: 'Product p1', price: 199 } }); // prettier-ignore
    const calls = gateway.state.calls.filter(({ method }) => method !== 'getSigningKeys');
    expect(calls.map(({ method }) => method)).toEqual(['listOrders', 'batchGetProducts']);
    expect(calls[1]?.request).toMatchObject({ ids: ['p0', 'p1'] });
  });
});

describe('who may do what', () => {
  const variables = { productId: 'p0', qty: 1 };
  test.each<
    [
      string,
      string,
      object,
      Record<'none' | 'expired' | 'own' | 'other' | 'admin' | 'verify' | 'trace', string | undefined>,
    ]
  >([
    ['me', '{ me { id } }', {}, { none: 'UNAUTHENTICATED', expired: 'UNAUTHENTICATED', own: undefined, other: undefined, admin: undefined, verify: 'FORBIDDEN', trace: 'FORBIDDEN' }], // prettier-ignore
    ['products', '{ products { id } }', {}, { none: undefined, expired: undefined, own: undefined, other: undefined, admin: undefined, verify: undefined, trace: undefined }], // prettier-ignore
    ['orders', '{ orders { next } }', {}, { none: 'UNAUTHENTICATED', expired: 'UNAUTHENTICATED', own: undefined, other: undefined, admin: undefined, verify: 'FORBIDDEN', trace: 'FORBIDDEN' }], // prettier-ignore
    ['order', FIND, {}, { none: 'UNAUTHENTICATED', expired: 'UNAUTHENTICATED', own: undefined, other: 'null', admin: undefined, verify: 'null', trace: 'null' }], // prettier-ignore
    ['createOrder', CREATE, variables, { none: 'UNAUTHENTICATED', expired: 'UNAUTHENTICATED', own: undefined, other: undefined, admin: undefined, verify: 'FORBIDDEN', trace: 'FORBIDDEN' }], // prettier-ignore
    ['createOrder of what verification orders', CREATE, { productId: VERIFICATION_PRODUCT, qty: 1 }, { none: 'UNAUTHENTICATED', expired: 'UNAUTHENTICATED', own: 'PRODUCT_NOT_FOUND', other: 'PRODUCT_NOT_FOUND', admin: 'PRODUCT_NOT_FOUND', verify: undefined, trace: 'PRODUCT_NOT_FOUND' }], // prettier-ignore
    ['cancelOrder', CANCEL, {}, { none: 'UNAUTHENTICATED', expired: 'UNAUTHENTICATED', own: undefined, other: 'ORDER_NOT_FOUND', admin: undefined, verify: undefined, trace: 'FORBIDDEN' }], // prettier-ignore
  ])('%s', async (_field, query, given, expected) => {
    const tokens = {
      none: undefined,
      ...gateway.tokens,
      verify: await operatorToken({ scope: 'verify' }),
      trace: await operatorToken({ scope: 'trace' }),
    };
    const seen = Object.fromEntries(
      await Promise.all(
        Object.entries(tokens).map(async ([who, token]) => {
          const answer = await gateway.graphql(query, given, { token });
          const isNull = Object.values(answer.body.data ?? {}).every((value) => value === null);
          return [who, codeOf(answer) ?? (isNull ? 'null' : undefined)] as const;
        }),
      ),
    );
    expect(seen).toEqual(expected);
  });

  test('without an account, where that is allowed: anonymous orders, and nobody else’s', async () => {
    const made = await anonymous.graphql(CREATE, variables);
    expect(made.body.data.createOrder).toMatchObject({ id: ORDER, productId: 'p0', qty: 1 });
    expect(anonymous.state.calls.at(-1)?.request).toEqual(expect.not.objectContaining({ userId: expect.anything() }));
    const { body } = await anonymous.graphql(`{ orders { items { id } } mine: order(id: "${ANONYMOUS_ORDER}") { id } theirs: order(id: "${ORDER}") { id } }`); // prettier-ignore
    expect(body.data).toEqual({ orders: { items: [{ id: ANONYMOUS_ORDER }] }, mine: { id: ANONYMOUS_ORDER }, theirs: null }); // prettier-ignore
    expect(codeOf(await anonymous.graphql(CANCEL))).toBe('UNAUTHENTICATED');
  });

  test('the operator cancels only what verification ordered', async () => {
    await gateway.graphql(CANCEL, {}, { token: await operatorToken() });
    expect(gateway.state.calls.at(-1)?.request).toMatchObject({ onlyProductId: VERIFICATION_PRODUCT });
  });
});

describe('an order', () => {
  const LINES = 'mutation ($lines: [NewLine!], $payment: PaymentInstruction) { createOrder(lines: $lines, payment: $payment) { id total version } }'; // prettier-ignore
  const lines = [{ productId: 'p0', qty: 1 }, { productId: 'p1', qty: 2 }]; // prettier-ignore

  test('of several products with its payment reaches orders as it was given', async () => {
    const payment = { method: 'PAYPAL', token: 'tok_ok' };
    const headers = { 'idempotency-key': 'k' };
    const answer = await gateway.graphql(LINES, { lines, payment }, { token: gateway.tokens.own, headers });
    expect(answer.body).toEqual({ data: { createOrder: { id: ORDER, total: 199, version: 1 } } });
    expect(gateway.state.calls.at(-1)?.request).toMatchObject({ lines, payment, userId: OWNER, idempotencyKey: 'k' });
  });

  test.each<[string, string, object, string]>([
    ['no product', 'mutation { createOrder { id } }', {}, 'productId'],
    ['both forms', 'mutation { createOrder(productId: "p0", qty: 1, lines: []) { id } }', {}, 'lines'],
    ['no lines', LINES, { lines: [] }, 'lines'],
    ['no quantity', 'mutation { createOrder(productId: "p0") { id } }', {}, 'qty'],
    ['an unknown method', LINES, { lines, payment: { method: 'CASH', token: 't' } }, 'payment.method'],
    ['half a character', CREATE, { productId: 'a\ud800', qty: 1 }, 'productId'],
    ['a zero byte', CREATE, { productId: 'a\0', qty: 1 }, 'productId'],
  ])('is refused with %s', async (_sentence, query, variables, field) => {
    const { body } = await gateway.graphql(query, variables, { token: gateway.tokens.own });
    expect(body.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', field } }]);
  });
});

describe('a question', () => {
  const deep = (open: string, close: string, times: number) => open.repeat(times) + close.repeat(times);
  test.each<[string, unknown]>([
    ['is no GraphQL', { query: '{' }],
    ['asks for what is not there', { query: '{ x }' }],
    ['never ends', { query: deep('{ a', '}', 10_000) }],
    ['nests lists without end', { query: `{ product(id: ${deep('[', ']', 10_000)}) { id } }` }],
    ['costs too much', { query: `{ ${[1, 2, 3].map((i) => `a${i}: orders(first: 100) { items { lines { product { id } } } }`).join(' ')} }` }], // prettier-ignore
    ['asks the schema about itself without end', { query: `{ __schema { types { ${deep('fields { type { ', '} }', 6).replace('} }', 'name } }')} } } }` }], // prettier-ignore
    ['lacks a variable', { query: CREATE }],
    ['has variables of another type', { query: CREATE, variables: { productId: {}, qty: 'x' } }],
    ['has variables with a prototype', { query: CREATE, variables: { constructor: { prototype: 1 } } }],
    ['names an operation that it lacks', { query: '{ me { id } }', operationName: 'x' }],
    ['circles in its fragments', { query: '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }' }],
  ])('that %s is answered with what is wrong, and reaches no service', async (_sentence, body) => {
    const answer = await gateway.send('POST', '/graphql', { token: gateway.tokens.own, body });
    expect(answer.status).toBeLessThan(500);
    expect(answer.body.errors?.[0]?.extensions.code ?? answer.body.code).toMatch(/^BAD_/);
    expect(gateway.state.calls.filter(({ method }) => method !== 'getSigningKeys')).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['no question', {}],
    ['a list of questions', [{ query: '{ me { id } }' }]],
    ['a question that is a number', { query: 1 }],
    ['variables that are a list', { query: '{ me { id } }', variables: [] }],
    ['nothing', ''],
    ['half of JSON', '{"query":'],
  ])('is refused as a request for %s', async (_sentence, body) => {
    const headers = { 'content-type': 'application/json' };
    expect(await gateway.send('POST', '/graphql', { body, headers })).toMatchObject({ status: 400 });
  });

  test('of tools about the schema is answered, but not in prod', async () => {
    const asked = await gateway.graphql(getIntrospectionQuery());
    expect(asked.body.data.__schema.queryType).toMatchObject({ name: 'Query' });
    expect(codeOf(await anonymous.graphql(getIntrospectionQuery()))).toBe('BAD_USER_INPUT');
  });
});
