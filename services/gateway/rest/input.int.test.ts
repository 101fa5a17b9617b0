import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ALL_ROUTES } from '../testing/all-routes.ts';
import { EXAMPLES } from '../testing/examples.ts';
import { type Received, startGateway, type TestGateway } from '../testing/gateway.ts';
import { BROKEN_BODIES, variantsOf } from '../testing/illegal.ts';
import { ORDER } from '../testing/upstreams.ts';
import { PREFIX } from './plugin.ts';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.stop());

const withBody = ALL_ROUTES.filter(({ body }) => body).map(({ method, path }) => `${method} ${path}`);

/** Answers in a second what is wrong; the sentences of those that were not as they should be. */
async function misanswered<T extends { sentence: string }>(
  cases: readonly T[],
  send: (each: T) => Promise<Received>,
  isRight: (answer: Received, each: T) => boolean,
) {
  // prettier-ignore
  const wrong: string[] = [];
  for (const each of cases) {
    const answer = await send(each);
    if (!isRight(answer, each)) wrong.push(`${each.sentence} → ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  return wrong;
}

const isProblem = ({ status, type, body }: Received) =>
  type?.startsWith('application/problem+json') === true && body.status === status && typeof body.detail === 'string';

describe.each(withBody)('%s', (name) => {
  const [method = ''] = name.split(' ');
  const { path, body } = EXAMPLES[name]!;
  const send = (sent: unknown) => gateway.send(method, PREFIX + path, { token: gateway.tokens.own, body: sent });

  test('is refused with 400 for every illegal value in every place, and never fails for an odd one', async () => {
    const variants = variantsOf(body!);
    expect(variants.length).toBeGreaterThan(20);
    const wrong = await misanswered(
      variants,
      (variant) => send(variant.body),
      (answer, { isIllegal }) => (isIllegal ? answer.status === 400 : answer.status <= 400) && (answer.status < 400 || isProblem(answer)), // prettier-ignore
    );
    expect(wrong).toEqual([]);
  }, 60_000);

  test('is refused with 400 for what is no body', async () => {
    const broken = Object.entries(BROKEN_BODIES).map(([sentence, text]) => ({ sentence, text }));
    const wrong = await misanswered(
      broken,
      ({ text }) => send(text),
      (answer) => answer.status === 400 && isProblem(answer),
    );
    expect(wrong).toEqual([]);
  });

  test('is refused for a body that is too large, and for another content type', async () => {
    expect(await send({ ...body, padding: 'a'.repeat(70_000) })).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } }); // prettier-ignore
    const headers = { 'content-type': 'text/plain' };
    const other = await gateway.send(method, PREFIX + path, { token: gateway.tokens.own, body: JSON.stringify(body), headers }); // prettier-ignore
    expect(other).toMatchObject({ status: 415, body: { code: 'UNSUPPORTED_MEDIA_TYPE' } });
  });
});

describe('what is wrong is named:', () => {
  test.each<[string, string, object, string]>([
    ['a field', '/auth/register', { email: 'no', password: 'p', name: 'n' }, 'email'],
    ['a field in a list', '/orders', { lines: [{ productId: 'p0', qty: 1 }, { productId: 'p1', qty: 0 }] }, 'lines[1].qty'], // prettier-ignore
    ['a field too many', '/orders', { lines: [{ productId: 'p0', qty: 1, price: 1 }] }, 'lines[0].price'],
    ['the same product twice', '/orders', { lines: [{ productId: 'p0', qty: 1 }, { productId: 'p0', qty: 2 }] }, 'lines'], // prettier-ignore
    ['a field that is missing', '/payments', { orderId: ORDER, method: 'PAYPAL' }, 'token'],
  ])('%s', async (_sentence, path, body, field) => {
    const answer = await gateway.send('POST', PREFIX + path, { token: gateway.tokens.own, body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT', field, detail: expect.stringContaining(field) } }); // prettier-ignore
  });

  test('the key of idempotency', async () => {
    const headers = { 'idempotency-key': 'a'.repeat(129) };
    const { body } = EXAMPLES['POST /orders']!;
    const answer = await gateway.send('POST', `${PREFIX}/orders`, { token: gateway.tokens.own, body, headers });
    expect(answer).toMatchObject({ status: 400, body: { field: 'Idempotency-Key' } });
  });

  test.each([
    ['/orders/x'],
    ['/orders/%00'],
    [`/orders/${ORDER}?minVersion=-1`],
    [`/orders/${ORDER}?minVersion=1e400`],
    [`/orders/${ORDER}?minVersion=1&minVersion=2`],
    [`/orders/${ORDER}?unknown=1`],
    ['/orders?first=0'],
    ['/orders?first=101'],
    ['/orders?first=ten'],
    [`/orders?after=${'a'.repeat(300)}`],
    ['/orders?after=%00'],
    ['/inventory/products?search=%00'],
    ['/inventory/products?first=501'],
    ['/inventory/products/%00'],
    ['/inventory/stock/%0A'],
    ['/payments?orderId=x'],
    ['/orders/%zz'],
  ])('in an address: %s', async (path) => {
    const answer = await gateway.send('GET', PREFIX + path, { token: gateway.tokens.own });
    expect(answer).toMatchObject({ status: 400, body: { requestId: expect.any(String) } });
  });
});
