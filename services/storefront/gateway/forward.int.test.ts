import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type GatewayFixture, startGatewayFixture } from '../testing/gateway-fixture.ts';
import { forward } from './forward.ts';

const QUERY = JSON.stringify({ operationName: 'Products', query: 'query Products { products { id } }' });

let gateway: GatewayFixture;
const log = jest.spyOn(console, 'error').mockImplementation(() => undefined);

beforeAll(async () => {
  gateway = await startGatewayFixture();
});

afterAll(async () => {
  log.mockRestore();
  await gateway.stop();
});

const send = (headers = new Headers(), timeoutMs = 5_000) =>
  forward(QUERY, { address: new URL(gateway.url), timeoutMs, headers });

describe('forwarding to the gateway', () => {
  test('hands on the answer as it is', async () => {
    const answer = await send();
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ data: { products: [{ id: 'p1' }] } });
  });

  test("carries the trace and the request's ids, and no credentials", async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await send(
      new Headers({
        traceparent,
        'x-request-id': 'r1',
        'idempotency-key': 'k1',
        authorization: 'Bearer t',
        cookie: 'c=1',
      }),
    );
    const { headers } = gateway.requests.at(-1)!;
    expect(headers).toMatchObject({ traceparent, 'x-request-id': 'r1', 'idempotency-key': 'k1' });
    expect(headers).not.toHaveProperty('authorization');
    expect(headers).not.toHaveProperty('cookie');
  });

  test.each([
    ['silent', 504, 'GATEWAY_TIMEOUT', 100, async () => void (gateway.mood = 'deaf')],
    ['no JSON', 502, 'GATEWAY_INVALID_ANSWER', undefined, async () => void (gateway.mood = 'babbling')],
    ['down', 502, 'GATEWAY_UNREACHABLE', undefined, () => gateway.stop()],
  ])('a gateway that is %s is a GraphQL error', async (_name, status, code, timeoutMs, spoil) => {
    await spoil();
    const answer = await send(new Headers(), timeoutMs);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code } }] });
    expect(String(log.mock.calls.at(-1))).toContain(gateway.url);
  });
});
