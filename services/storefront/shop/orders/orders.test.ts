import { describe, expect, test } from '@jest/globals';
import type { Answer, Problem } from '../../gateway/problem.ts';
import type { Order, TraceStep } from '../model.ts';
import { type Followed, followOrder } from './follow-order.ts';
import { reasonOf, stepsOf, timeAfter } from './steps.ts';

const order = (change: Partial<Order>): Order => ({
  id: 'o1',
  status: 'PENDING',
  version: 1,
  lines: [],
  total: 100,
  refunded: false,
  createdAt: '2026-01-01T00:00:00.000Z',
  ...change,
});
const trace = (...types: string[]): TraceStep[] =>
  types.map((type) => ({ type, service: 'orders', occurredAt: '2026-01-01T00:00:01.000Z' }));
const FULL = { accounts: true, payments: true, anonymousOrders: false };
const SMALL = { accounts: false, payments: false, anonymousOrders: true };

describe('the steps of an order', () => {
  test.each<[string, Order, TraceStep[] | undefined, typeof FULL, string[]]>([
    ['that is not known to be anywhere', order({ version: 0 }), undefined, FULL, ['Placed done', 'Set aside active', 'Paid waiting', 'Confirmed waiting']],
    ['that was placed', order({}), trace('order_created'), FULL, ['Placed done', 'Set aside active', 'Paid waiting', 'Confirmed waiting']],
    ['whose trace is ahead of it', order({}), trace('order_created', 'order_stock_reserved'), FULL, ['Placed done', 'Set aside active', 'Paid waiting', 'Confirmed waiting']],
    ['that is set aside', order({ status: 'STOCK_RESERVED', version: 2 }), trace('order_created', 'order_stock_reserved'), FULL, ['Placed done', 'Set aside done', 'Paid active', 'Confirmed waiting']],
    ['that is confirmed, of nobody', order({ status: 'CONFIRMED', version: 3 }), undefined, SMALL, ['Placed done', 'Set aside done', 'Confirmed done']],
    ['that nothing had to agree to', order({ status: 'CONFIRMED', version: 2 }), undefined, SMALL, ['Placed done', 'Confirmed done']],
    ['that was cancelled, of nobody', order({ status: 'CANCELLED', version: 2 }), undefined, SMALL, ['Placed done', 'Cancelled failed']],
    ['that was undone', order({ status: 'CANCELLED', version: 6, refunded: true }), trace('order_created', 'order_stock_reserved', 'order_paid', 'order_confirmed', 'order_cancelled', 'order_refunded'), FULL,
      ['Placed done', 'Set aside done', 'Paid done', 'Confirmed done', 'Cancelled failed', 'Refunded undone']],
  ])('%s', (_sentence, subject, told, features, expected) => {
    expect(stepsOf(subject, told, features).map(({ name, state }) => `${name} ${state}`)).toEqual(expected);
  }); // prettier-ignore

  test.each([
    ['out_of_stock', undefined, 'Somebody was faster: there is not enough left.'],
    ['payment_failed', 'payment_failed: expired_card', 'The card has expired.'],
    ['payment_failed', undefined, 'The payment was refused.'],
    ['requested', 'requested: cancelled_by_customer', 'You cancelled it.'],
    ['requested', undefined, 'It was cancelled on request.'],
    ['something_new', undefined, 'The reason: something new.'],
  ])('cancelled as %s (%s) has a reason in words', (cancelReason, detail, words) => {
    const told = [{ type: 'order_cancelled', service: 'orders', occurredAt: '', ...(detail ? { detail } : {}) }];
    expect(reasonOf(order({ status: 'CANCELLED', cancelReason }), told)).toBe(words);
  });

  test.each([
    [87, '+87 ms'],
    [2_400, '+2.4 s'],
    [180_000, '+3 min'],
    [0, undefined],
    [-5, undefined],
    [86_400_000, undefined],
  ])('%d ms after the first are told as %s', (ms, text) => {
    const from = Date.parse('2026-01-01T00:00:00Z');
    expect(timeAfter(new Date(from).toISOString(), new Date(from + ms).toISOString())).toBe(text);
  });
});

describe('following an order', () => {
  const problem = (code: string): Answer<Order> => ({ kind: 'problem', problem: { code, message: '' } });
  const data = (change: Partial<Order>): Answer<Order> => ({ kind: 'data', data: order(change) });

  /** What is told of answers that come one after the other; with what was waited for, and how long between. */
  async function follow(answers: Answer<Order>[], known?: Order) {
    const asked: number[] = [];
    const pauses: number[] = [];
    const told: Followed[] = [];
    const following = followOrder({
      known,
      find: async (minVersion) => {
        asked.push(minVersion);
        return answers.shift()!;
      },
      delay: async (ms) => {
        pauses.push(ms);
        if (answers.length === 0) throw new Error('left');
      },
    });
    try {
      for await (const next of following) told.push(next);
    } catch (error) {
      expect(error).toEqual(new Error('left'));
    }
    return { asked, pauses, told: told.map((each) => each.problem?.code ?? `${each.order?.status} ${each.isQuiet}`) };
  }

  test('waits for what is newer than what is known, and tells news only', async () => {
    const seen = await follow([data({}), data({ status: 'STOCK_RESERVED', version: 2 }), data({ status: 'STOCK_RESERVED', version: 2 }), data({ status: 'STOCK_RESERVED', version: 2 }), data({ status: 'CONFIRMED', version: 4 })]); // prettier-ignore
    expect(seen.asked).toEqual([1, 2, 3, 3, 3]);
    expect(seen.told).toEqual(['PENDING false', 'STOCK_RESERVED false', 'STOCK_RESERVED true', 'CONFIRMED false']);
  });

  test('goes on after a confirmation, ever less often', async () => {
    const confirmed = data({ status: 'CONFIRMED', version: 2 });
    const { pauses } = await follow([confirmed, confirmed, confirmed, data({ status: 'CANCELLED', version: 3 })]);
    expect(pauses).toEqual([1_000, 2_000, 4_000, 1_000]);
  });

  test('of which the read model has not heard is that it was placed; of a gateway in trouble, that it is', async () => {
    const placed = order({ version: 0 });
    const { told } = await follow([problem('ORDER_NOT_FOUND'), problem('GATEWAY_TIMEOUT'), data({})], placed);
    expect(told).toEqual(['PENDING false', 'GATEWAY_TIMEOUT', 'PENDING false']);
  });

  test.each<[string, Problem['code']]>([
    ['there is not', 'ORDER_NOT_FOUND'],
    ['is not for nobody', 'UNAUTHENTICATED'],
    ["was a session's that has ended", 'SESSION_ENDED'],
  ])('ends with one that %s', async (_sentence, code) => {
    expect(await follow([problem(code)])).toEqual({ asked: [1], pauses: [], told: [code] });
  });
});
