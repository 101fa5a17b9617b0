import { describe, expect, test } from '@jest/globals';
import type { CodedError } from '@orderplane/shared/errors.ts';
import { type Account, type Command, decide, nextStep, UNKNOWN } from './account.ts';

const user = '01a1fc3d-78e1-72e2-adbd-883e7ae12aca';
const payment = { id: 'pay-1', method: 'PAYPAL', token: 'tok_ok' };
const payable: Command = { type: 'make_payable', amount: 500, userId: user };
const paidAtOnce: Command = { ...payable, payment };
const pay: Command = { type: 'pay', userId: user, payment: { ...payment, idempotencyKey: 'k1' } };
const charged: Command = { type: 'charged', outcome: 'charged' };
const declined: Command = { type: 'charged', outcome: 'card_declined' };
const cancel: Command = { type: 'cancel' };
const refund: Command = { type: 'refund' };
const given: Command = { type: 'given_back', outcome: 'given_back' };
const nothing: Command = { type: 'given_back', outcome: 'nothing_charged' };

function live(commands: readonly Command[]) {
  let account: Account = UNKNOWN;
  const events: string[] = [];
  for (const command of commands) {
    const decision = decide(account, command);
    account = decision.next;
    events.push(...decision.events.map(({ type }) => type.replace('payment_', '')));
  }
  return [account.payment?.status, nextStep(account), events];
}

describe("an order's account", () => {
  test.each<[string, Command[], string | undefined, string | undefined, string[]]>([
    ['waits to be paid', [payable, payable], undefined, undefined, []],
    ['is charged at once where the order says how', [paidAtOnce], 'PENDING', 'charge', []],
    ['is charged when asked', [payable, pay], 'PENDING', 'charge', []],
    ['is charged once for one key', [payable, pay, charged, pay, charged], 'SUCCEEDED', undefined, ['processed']],
    ['is paid once, however often its stock is reserved', [paidAtOnce, charged, paidAtOnce], 'SUCCEEDED', undefined, ['processed']],
    ['keeps what the processor refused', [paidAtOnce, declined, charged], 'FAILED', undefined, ['failed']],
    ['of nothing is paid without the processor', [{ ...paidAtOnce, amount: 0 }], 'SUCCEEDED', undefined, ['processed']],
    ['of nothing is given back without the processor', [{ ...paidAtOnce, amount: 0 }, cancel], 'REFUNDED', undefined, ['processed', 'refunded']],
    ['is given back when the order is cancelled', [paidAtOnce, charged, cancel], 'SUCCEEDED', 'give_back', ['processed']],
    ['has been given back once', [paidAtOnce, charged, cancel, given, cancel, given, refund], 'REFUNDED', undefined, ['processed', 'refunded']],
    ['is given back when asked', [paidAtOnce, charged, refund], 'SUCCEEDED', 'give_back', ['processed']],
    ['is given back when the order is cancelled while it is charged', [paidAtOnce, cancel, charged], 'SUCCEEDED', 'give_back', ['processed']],
    ['of a cancelled order is not charged any more: the processor says whether it was', [paidAtOnce, cancel], 'PENDING', 'give_back', []],
    ['of a cancelled order was never charged', [paidAtOnce, cancel, nothing, charged], 'FAILED', undefined, ['failed']],
    ['of a cancelled order was charged by who died', [paidAtOnce, cancel, given], 'REFUNDED', undefined, ['processed', 'refunded']],
    ['is never charged for an order that was cancelled before', [cancel, paidAtOnce], undefined, undefined, []],
  ])('%s', (_sentence, commands, status, step, events) => {
    expect(live(commands)).toEqual([status, step, events]);
  }); // prettier-ignore

  test.each<[string, Command[], Partial<CodedError>]>([
    ['paying before its stock is reserved', [pay], { code: 'ORDER_NOT_PAYABLE' }],
    ['paying a cancelled one', [payable, cancel, pay], { code: 'ORDER_NOT_PAYABLE' }],
    ["paying somebody else's", [payable, { ...pay, userId: 'another' }], { code: 'ORDER_NOT_PAYABLE' }],
    ["paying somebody's as nobody", [payable, { ...pay, userId: undefined }], { code: 'ORDER_NOT_PAYABLE' }],
    ['paying twice', [payable, pay, { ...pay, payment }], { code: 'ORDER_NOT_PAYABLE' }],
    ['another payment under the same key', [payable, pay, { ...pay, payment: { ...payment, token: 'x', idempotencyKey: 'k1' } }], { code: 'IDEMPOTENCY_KEY_REUSED' }],
    ['refunding what was not paid', [payable, refund], { code: 'NOT_REFUNDABLE' }],
    ['refunding what was refused', [paidAtOnce, declined, refund], { code: 'NOT_REFUNDABLE' }],
  ])('refuses %s', (_sentence, commands, error) => {
    expect(() => live(commands)).toThrow(expect.objectContaining(error));
  }); // prettier-ignore

  test('does not believe a processor that has forgotten what it charged', () => {
    expect(() => live([paidAtOnce, charged, cancel, nothing])).toThrow(/pay-1/);
  });
});
