/** A verification against a gateway that is played: what it says of an order that the saga does not bring to its end. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { runHere } from '../testing/run-job.ts';
import { runVerify } from './index.ts';

let gateway: Server;
let seen: { status: string; cancelReason?: string };
let asked: string[];

beforeAll(async () => {
  gateway = createServer((request, response) => {
    void text(request).then((body) => {
      const { query } = JSON.parse(body) as { query: string };
      asked.push(query);
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ data: answerTo(query) }));
    });
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
});
afterAll(() => void gateway.close());

function answerTo(query: string): object {
  if (query.includes('createOrder')) return { createOrder: { id: 'o1' } };
  if (!query.includes('cancelOrder')) return { order: { id: 'o1', ...seen } };
  seen = { status: 'CANCELLED', cancelReason: 'verification' };
  return { cancelOrder: { id: 'o1', status: 'CANCELLED' } };
}

function verify(status: string, cancelReason?: string, sagaSteps = ['stock', 'payment']) {
  seen = { status, ...(cancelReason && { cancelReason }) };
  asked = [];
  const gatewayUrl = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  return runHere(runVerify, { gatewayUrl, timeoutSeconds: 1, sagaSteps }, { VERIFICATION_KEY: 'a key that is only good for the tests' }); // prettier-ignore
}

test('an order is paid for where that is a step, confirmed, and cancelled after', async () => {
  expect(await verify('CONFIRMED')).toEqual({ ok: true, orderId: 'o1', visibleAfterMs: expect.any(Number), confirmedAfterMs: expect.any(Number) });
  expect(asked[0]).toContain('payment: { method: "CREDIT_CARD", token: "tok_ok" }');
  expect(asked.some((query) => query.includes('cancelOrder'))).toBe(true);
  await verify('CONFIRMED', undefined, ['stock']);
  expect(asked[0]).not.toContain('payment');
}); // prettier-ignore

test.each<[string, [string, string?], string, RegExp]>([
  ['whose stock is never reserved', ['PENDING'], 'inventory', /^inventory: the order o1 was not given its stock, it is still PENDING after 1 s/],
  ['that there is no stock for', ['CANCELLED', 'out_of_stock'], 'inventory', /it was cancelled \(out_of_stock\)/],
  ['that payments never hears of', ['STOCK_RESERVED'], 'payments', /^payments: the order o1 was not paid, it is still STOCK_RESERVED/],
  ['whose payment is refused', ['CANCELLED', 'payment_failed'], 'payments', /it was cancelled \(payment_failed\)/],
  ['that is paid, and not confirmed', ['PAID'], 'orders', /^orders: the order o1 was not confirmed/],
])('an order %s names the hop, and is cancelled', async (_, told, hop, says) => {
  expect(await verify(...told)).toMatchObject({ ok: false, reason: 'OrderNotConfirmed', hop, message: expect.stringMatching(says) });
  expect(asked.some((query) => query.includes('cancelOrder'))).toBe(true);
}); // prettier-ignore
