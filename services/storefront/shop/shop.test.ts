import { describe, expect, test } from '@jest/globals';
import type { Order } from '../gateway/operations.ts';
import { gatewayAddress } from '../gateway/address.ts';
import { followOrder } from './follow-order.ts';
import { formatAmount } from './money.ts';
import { parseQuantity, stepQuantity } from './quantity.ts';

describe('amounts', () => {
  test.each([
    [199, '1.99'],
    [0, '0.00'],
    [5, '0.05'],
    [123_456_789, '1,234,567.89'],
    [2_147_483_647 * 10_000, '214,748,364,700.00'],
  ])('%d minor units read %s', (minorUnits, text) => expect(formatAmount(minorUnits)).toBe(text));
});

describe('quantities', () => {
  test.each([
    ['1', 1],
    [' 42 ', 42],
    ['10000', 10_000],
    ['0', 'Order at least 1.'],
    ['-1', 'Order at least 1.'],
    ['10001', 'Order at most 10000 at once.'],
    ['1.5', 'Enter a whole number.'],
    ['', 'Enter a whole number.'],
    ['two', 'Enter a whole number.'],
  ])('%j is %j', (text, expected) => {
    const quantity = parseQuantity(text);
    expect(quantity.kind === 'valid' ? quantity.value : quantity.message).toBe(expected);
  });

  test.each([
    ['1', 1, '2'],
    ['1', -1, '1'],
    ['10000', 1, '10000'],
    ['', 1, '1'],
    ['two', -1, '1'],
  ] as const)('from %j a step of %d leads to %s', (text, step, expected) =>
    expect(stepQuantity(text, step)).toBe(expected),
  );
});

describe('following an order', () => {
  const order: Order = { id: 'o1', productId: 'p1', qty: 1, status: 'CREATED', createdAt: '', version: 1 };

  test('asks on through failures, often at first and then ever less, until the order is there', async () => {
    let clock = 0;
    const pauses: number[] = [];
    const find = async () => {
      if (clock > 60_000) return { kind: 'data', data: { order } } as const;
      if (clock > 1_000) return { kind: 'problem', problem: { code: 'GATEWAY_UNREACHABLE', message: '' } } as const;
      return { kind: 'data', data: { order: null } } as const;
    };
    const delay = async (ms: number) => {
      pauses.push(ms);
      clock += ms;
    };
    await expect(followOrder({ find, delay, now: () => clock })).resolves.toBe(order);
    expect(pauses[0]).toBe(20);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(pauses.at(-1)).toBe(2_000);
  });

  test('ends when the visitor leaves', async () => {
    const find = async () => ({ kind: 'data', data: { order: null } }) as const;
    const left = new Error('left');
    await expect(followOrder({ find, delay: () => Promise.reject(left), now: () => 0 })).rejects.toBe(left);
  });
});

describe("the gateway's address", () => {
  test.each([
    ['http://shop-gateway:8080/graphql', 'http://shop-gateway:8080/graphql'],
    [' https://example.com ', 'https://example.com/'],
  ])('%j is taken', (value, address) => {
    expect(gatewayAddress({ NEXT_PUBLIC_GRAPHQL_URL: value }).href).toBe(address);
  });

  test.each([
    [undefined, 'is not set'],
    ['', 'is not set'],
    ['shop-gateway:8080', 'no http or https address'],
    ['/graphql', 'no http or https address'],
  ])('%j is refused with what to set', (value, message) => {
    expect(() => gatewayAddress({ NEXT_PUBLIC_GRAPHQL_URL: value })).toThrow(message);
  });
});
