import { describe, expect, test } from '@jest/globals';
import type { CodedError } from '@orderplane/shared/errors.ts';
import { order, type OrderCommand, type OrderEvent } from './order.ts';

const created: OrderEvent = { type: 'order_created', data: { productId: 'p1', qty: 2, price: 199 } };
const confirmed: OrderEvent = { type: 'order_confirmed', data: {} };
const cancelled: OrderEvent = { type: 'order_cancelled', data: { reason: 'changed my mind' } };
const create = (qty: number): OrderCommand => ({ type: 'create_order', productId: 'p1', qty, price: 199 });
const cancel: OrderCommand = { type: 'cancel_order', reason: 'changed my mind' };

function given(...events: OrderEvent[]) {
  return { when: (command: OrderCommand) => order.decide(events.reduce(order.evolve, order.initial), command) };
}

describe('an order', () => {
  test.each<[string, OrderEvent[], OrderCommand, OrderEvent[]]>([
    ['is created, and confirmed at once while no step has to agree', [], create(2), [created, confirmed]],
    [
      'can be for one piece',
      [],
      create(1),
      [{ ...created, data: { ...created.data, qty: 1 } } as OrderEvent, confirmed],
    ],
    ['is cancelled before its confirmation', [created], cancel, [cancelled]],
    ['is cancelled after its confirmation', [created, confirmed], cancel, [cancelled]],
    ['stays as it is when cancelled again', [created, confirmed, cancelled], cancel, []],
    ['is cancelled by who may cancel this product', [created], { ...cancel, onlyProductId: 'p1' }, [cancelled]],
  ])('%s', (_sentence, events, command, expected) => {
    expect(given(...events).when(command)).toEqual(expected);
  });

  test.each<[string, OrderEvent[], OrderCommand, Partial<CodedError>]>([
    ['of no piece', [], create(0), { code: 'BAD_USER_INPUT', field: 'qty' }],
    ['of less than nothing', [], create(-1), { code: 'BAD_USER_INPUT', field: 'qty' }],
    ['of too many pieces', [], create(10_001), { code: 'BAD_USER_INPUT', field: 'qty' }],
    ['of half a piece', [], create(0.5), { code: 'BAD_USER_INPUT', field: 'qty' }],
    ['that exists already', [created], create(1), { code: 'CONFLICT' }],
    ['to cancel that does not exist', [], cancel, { code: 'ORDER_NOT_FOUND' }],
    [
      'to cancel of another product than allowed',
      [created],
      { ...cancel, onlyProductId: 'p2' },
      { code: 'ORDER_NOT_FOUND' },
    ],
  ])('is refused: one %s', (_sentence, events, command, expected) => {
    expect(() => given(...events).when(command)).toThrow(expect.objectContaining(expected));
  });
});
