import { describe, expect, test } from '@jest/globals';
import type { CodedError } from '@orderplane/shared/errors.ts';
import type { OrderCommand, Step } from './decide.ts';
import type { AnsweredEvent, OrderEvent } from './events.ts';
import { deadlineOf, order } from './order.ts';

const userId = '01a1fc3d-78e1-72e2-adbd-883e7ae12aca';
const paymentId = '01a1fc3d-78e1-72e2-adbd-883e7ae12acb';
const payment = { method: 'CREDIT_CARD', token: 'tok_ok' };
const line = { productId: 'p1', qty: 2, price: 199 };
const both: readonly Step[] = ['stock', 'payment'];

const created: OrderEvent = { type: 'order_created', data: { userId, lines: [line], total: 398 } };
const reserved: OrderEvent = { type: 'order_stock_reserved', data: {} };
const paid: OrderEvent = { type: 'order_paid', data: { paymentId } };
const confirmed: OrderEvent = { type: 'order_confirmed', data: {} };
const cancelled = (reason: string, detail?: string): OrderEvent => ({
  type: 'order_cancelled',
  data: detail === undefined ? { reason } : { reason, detail },
});
const released: OrderEvent = { type: 'order_stock_released', data: {} };
const refunded: OrderEvent = { type: 'order_refunded', data: { paymentId, amount: 398 } };

const create = (facts: Partial<Extract<OrderCommand, { type: 'create_order' }>> = {}): OrderCommand => ({
  type: 'create_order',
  lines: [line],
  userId,
  steps: [],
  ...facts,
});
const cancel: OrderCommand = { type: 'cancel_order', reason: 'changed my mind' };
const answer = (event: AnsweredEvent, steps = both): OrderCommand => ({ type: 'answer', event, steps });
const charge = { paymentId, amount: 398, method: 'CREDIT_CARD' };
const stockReserved: AnsweredEvent = {
  type: 'stock_reserved',
  data: { userId, lines: [line], total: 398, expiresAt: '2026-11-21T04:54:09.505Z' },
};
const stockRejected: AnsweredEvent = {
  type: 'stock_rejected',
  data: { productId: 'p1', requested: 2, available: 1 },
};
const stockReleased = (reason: 'order_cancelled' | 'expired'): AnsweredEvent => ({
  type: 'stock_released',
  data: { reason },
});
const processed: AnsweredEvent = { type: 'payment_processed', data: charge };
const failed: AnsweredEvent = { type: 'payment_failed', data: { ...charge, failureReason: 'card_declined' } };
const paymentRefunded: AnsweredEvent = { type: 'payment_refunded', data: charge };

function given(...events: OrderEvent[]) {
  return { when: (command: OrderCommand) => order.decide(events.reduce(order.evolve, order.initial), command) };
}

const outOfStock = cancelled('out_of_stock', 'p1: 2 wanted, 1 available');
const requested = cancelled('requested', 'changed my mind');

describe('an order', () => {
  test.each<[string, OrderEvent[], OrderCommand, OrderEvent[]]>([
    ['is created, and confirmed at once where no step has to agree', [], create(), [created, confirmed]],
    ['waits for the steps that have to agree', [], create({ steps: ['stock'] }), [created]],
    [
      'says how it is paid',
      [],
      create({ steps: both, payment }),
      [{ type: 'order_created', data: { userId, lines: [line], total: 398, payment } }],
    ],
    [
      'may be nobody’s, of the most lines and pieces, and cost as much as can be counted',
      [],
      create({
        userId: undefined,
        lines: Array.from({ length: 50 }, (_, i) => ({ productId: `p${i}`, qty: i === 0 ? 10_000 : 1, price: 1 })),
      }),
      [
        {
          type: 'order_created',
          data: {
            lines: Array.from({ length: 50 }, (_, i) => ({ productId: `p${i}`, qty: i === 0 ? 10_000 : 1, price: 1 })),
            total: 10_049,
          },
        },
        confirmed,
      ],
    ],
    ['waits for its payment once its stock is reserved', [created], answer(stockReserved), [reserved]],
    ['is confirmed by its stock where nobody pays', [created], answer(stockReserved, ['stock']), [reserved, confirmed]],
    ['is confirmed by its payment', [created, reserved], answer(processed), [paid, confirmed]],
    ['is paid before it hears of its stock', [created], answer(processed), [reserved, paid, confirmed]],
    ['without stock is cancelled', [created], answer(stockRejected), [outOfStock]],
    [
      'whose payment fails is cancelled',
      [created, reserved],
      answer(failed),
      [cancelled('payment_failed', 'card_declined')],
    ],
    [
      'whose reservation expires is cancelled',
      [created, reserved],
      answer(stockReleased('expired')),
      [cancelled('reservation_expired')],
    ],
    [
      'stays confirmed when its reservation had expired',
      [created, reserved, paid, confirmed],
      answer(stockReleased('expired')),
      [],
    ],
    [
      'is cancelled even when confirmed where there is no stock any more',
      [created, reserved, paid, confirmed],
      answer(stockRejected),
      [outOfStock],
    ],
    [
      'that was paid back is cancelled',
      [created, reserved, paid, confirmed],
      answer(paymentRefunded),
      [cancelled('refunded'), refunded],
    ],
    ['is cancelled before its confirmation', [created], cancel, [requested]],
    ['is cancelled after its confirmation', [created, confirmed], cancel, [requested]],
    ['is cancelled by who may cancel this product', [created], { ...cancel, onlyProductId: 'p1' }, [requested]],
    ['is cancelled by its owner', [created], { ...cancel, userId }, [requested]],
    ['stays as it is when cancelled again', [created, confirmed, requested], cancel, []],
    [
      'is cancelled when its stock is not heard of in time',
      [created],
      { type: 'expire', reason: 'stock_timeout' },
      [cancelled('stock_timeout')],
    ],
    [
      'is cancelled when it is not paid in time',
      [created, reserved],
      { type: 'expire', reason: 'payment_timeout' },
      [cancelled('payment_timeout')],
    ],
    [
      'does not wait for its stock any more once it has it',
      [created, reserved],
      { type: 'expire', reason: 'stock_timeout' },
      [],
    ],
    [
      'does not wait any more once it is confirmed',
      [created, reserved, paid, confirmed],
      { type: 'expire', reason: 'payment_timeout' },
      [],
    ],
    ['that is cancelled takes no stock', [created, requested], answer(stockReserved), []],
    ['that is cancelled is not paid', [created, reserved, requested], answer(processed), []],
    [
      'that is cancelled gave its stock back',
      [created, reserved, requested],
      answer(stockReleased('order_cancelled')),
      [released],
    ],
    ['that is cancelled gave its money back', [created, requested], answer(paymentRefunded), [refunded]],
    ['gives back once', [created, requested, released, refunded], answer(stockReleased('order_cancelled')), []],
    ['is paid back once', [created, requested, released, refunded], answer(paymentRefunded), []],
  ])('%s', (_sentence, events, command, expected) => {
    expect(given(...events).when(command)).toEqual(expected);
  });

  const lineOf = (facts: Partial<typeof line>) => create({ lines: [{ ...line, ...facts }] });
  test.each<[string, OrderEvent[], OrderCommand, Partial<CodedError>]>([
    ['of no piece', [], lineOf({ qty: 0 }), { code: 'BAD_USER_INPUT', field: 'lines[0].qty' }],
    ['of less than nothing', [], lineOf({ qty: -1 }), { code: 'BAD_USER_INPUT', field: 'lines[0].qty' }],
    ['of too many pieces', [], lineOf({ qty: 10_001 }), { code: 'BAD_USER_INPUT', field: 'lines[0].qty' }],
    ['of half a piece', [], lineOf({ qty: 0.5 }), { code: 'BAD_USER_INPUT', field: 'lines[0].qty' }],
    [
      'of nothing in particular',
      [],
      lineOf({ productId: '' }),
      { code: 'BAD_USER_INPUT', field: 'lines[0].productId' },
    ],
    ['without lines', [], create({ lines: [] }), { code: 'BAD_USER_INPUT', field: 'lines' }],
    [
      'with too many lines',
      [],
      create({ lines: Array.from({ length: 51 }, (_, i) => ({ ...line, productId: `p${i}` })) }),
      { code: 'BAD_USER_INPUT', field: 'lines' },
    ],
    [
      'of one product twice',
      [],
      create({ lines: [line, line] }),
      { code: 'BAD_USER_INPUT', field: 'lines[1].productId' },
    ],
    [
      'that costs more than can be counted',
      [],
      lineOf({ qty: 2, price: 1_073_741_824 }),
      { code: 'BAD_USER_INPUT', field: 'lines' },
    ],
    [
      'to be paid where nobody can',
      [],
      create({ steps: ['stock'], payment }),
      { code: 'BAD_USER_INPUT', field: 'payment' },
    ],
    ['that exists already', [created], create(), { code: 'CONFLICT' }],
    ['to cancel that does not exist', [], cancel, { code: 'ORDER_NOT_FOUND' }],
    [
      'to cancel of another product than allowed',
      [created],
      { ...cancel, onlyProductId: 'p2' },
      { code: 'ORDER_NOT_FOUND' },
    ],
    ['to cancel of somebody else', [created], { ...cancel, userId: paymentId }, { code: 'ORDER_NOT_FOUND' }],
    ['that nobody ordered and has stock', [], answer(stockReserved), { code: 'ORDER_NOT_FOUND' }],
  ])('is refused: one %s', (_sentence, events, command, expected) => {
    expect(() => given(...events).when(command)).toThrow(expect.objectContaining(expected));
  });

  test.each<[string, OrderEvent[], string | undefined]>([
    ['nothing before it is there', [], undefined],
    ['its stock at first', [created], 'stock_timeout'],
    ['its payment then', [created, reserved], 'payment_timeout'],
    ['nothing once it is confirmed', [created, reserved, paid, confirmed], undefined],
    ['nothing once it is cancelled', [created, requested], undefined],
  ])('waits for %s', (_sentence, events, reason) => {
    expect(deadlineOf(events.reduce(order.evolve, order.initial))).toBe(reason);
  });
});
