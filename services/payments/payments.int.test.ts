import { randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventOf } from '@orderplane/contracts/events.ts';
import { PaymentsService, PaymentStatus } from '@orderplane/contracts/gen/orderplane/payments/v1/payments_pb.js';
import { SANDBOX_TOKENS } from '@orderplane/contracts/payments.ts';
import { PAYMENT_TOPICS, type PaymentTopic } from '@orderplane/contracts/topics.ts';
import { startNats } from '@orderplane/hack/testing/nats.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { serviceDatabase } from '@orderplane/hack/testing/service-database.ts';
import type { EventBus } from '@orderplane/shared/events/bus.ts';
import { encodeEvent } from '@orderplane/shared/events/encode.ts';
import { jetStreamBus } from '@orderplane/shared/events/jetstream/bus.ts';
import { grpcClient } from '@orderplane/shared/grpc/client.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { type RunningService, startService } from '@orderplane/shared/service.ts';
import type { Client } from '@orderplane/shared/grpc/methods.ts';
import { Registry } from 'prom-client';
import { payments } from './app.ts';

const ann = '01a1fc3d-78e1-72e2-adbd-883e7ae12aca';
const bob = '01a1fc3d-78e1-72e2-adbd-883e7ae12acb';
const log = createLogger('test', 'silent');
const { SUCCEEDED, FAILED, REFUNDED } = PaymentStatus;

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let nats: Awaited<ReturnType<typeof startNats>>;
let service: RunningService;
let client: Client<typeof PaymentsService>;
let bus: EventBus;
const seen: EventOf<PaymentTopic>[] = [];

beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
  service = await startService(payments, {
    PORT: '0',
    MANAGEMENT_PORT: '0',
    DRAIN_DELAY_MS: '0',
    LOG_LEVEL: 'FATAL',
    POSTGRES_URI: await serviceDatabase(postgres, 'payments'),
    BROKER_URI: nats.uri,
  });
  const url = `http://127.0.0.1:${service.port}`;
  client = grpcClient(PaymentsService, { service: 'payments', url, timeoutMs: 10_000 });
  bus = jetStreamBus({ uri: nats.uri, name: 'test', log, metrics: new Registry() });
  bus.consume({ name: 'test', topics: PAYMENT_TOPICS, handle: async (event) => (seen.push(event), 'done') });
  await bus.publisher.ready(AbortSignal.timeout(20_000));
}, 600_000);
afterAll(async () => {
  await bus?.close();
  await service?.stop();
  await Promise.all([postgres?.stop(), nats?.stop()]);
}, 60_000);

async function until<T>(ask: () => T | Promise<T>, isIt: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`it never came to that: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** An order of which inventory says that its stock is reserved. */
async function reserved(facts: { userId?: string; total?: number; token?: string } = {}) {
  const { userId, total = 300, token } = facts;
  const orderId = randomUUIDv7();
  const event = encodeEvent({
    type: 'stock_reserved',
    service: 'inventory',
    subject: orderId,
    aggregateVersion: 1,
    data: {
      lines: [{ productId: 'p1', qty: 1, price: total }],
      total,
      ...(userId !== undefined && { userId }),
      ...(token !== undefined && { payment: { method: 'PAYPAL', token } }),
      expiresAt: new Date().toISOString(),
    },
    at: new Date(),
    origin: { correlationid: 'c1' },
  });
  await bus.publisher.publish(event);
  return { orderId, event };
}

async function cancelled(orderId: string) {
  const data = { reason: 'test' };
  const facts = { service: 'orders', subject: orderId, aggregateVersion: 2, at: new Date(), origin: {} } as const;
  const event = encodeEvent({ type: 'order_cancelled', data, ...facts });
  await bus.publisher.publish(event);
  return event;
}

const paymentsOf = async (orderId: string) => (await client.listPayments({ orderId })).payments;
const settled = (orderId: string, status: PaymentStatus) =>
  until(
    () => paymentsOf(orderId),
    ([payment]) => payment?.status === status,
  );
const eventsOf = (orderId: string, count: number) =>
  until(
    () => seen.filter(({ subject }) => subject === orderId),
    (events) => events.length >= count,
  );
const pay = (orderId: string, facts: { userId?: string; token?: string; idempotencyKey?: string } = {}) =>
  client.createPayment({ orderId, method: 'CREDIT_CARD', token: 'tok_ok', ...facts });
/** Tries until inventory's word has come from the broker. */
const paid = (orderId: string, facts: { userId?: string; token?: string; idempotencyKey?: string } = {}) =>
  until(
    () =>
      pay(orderId, facts).catch((error: { code?: string }) =>
        error.code === 'ORDER_NOT_PAYABLE' ? undefined : Promise.reject(error),
      ),
    (answer) => answer?.payment !== undefined,
  ).then((answer) => answer!.payment!);

describe('an order that says how it is paid', () => {
  test.each(Object.entries(SANDBOX_TOKENS))('with %s: %s', async (token, outcome) => {
    const { orderId, event } = await reserved({ userId: ann, token });
    const [told] = await eventsOf(orderId, 1);
    const data = { paymentId: expect.any(String), amount: 300, method: 'PAYPAL' };
    const expected =
      outcome === 'succeeds'
        ? { type: 'payment_processed', data }
        : { type: 'payment_failed', data: { ...data, failureReason: outcome } };
    expect(told).toMatchObject({ ...expected, causationid: event.id, correlationid: 'c1', aggregateversion: 1 });
    expect(await paymentsOf(orderId)).toMatchObject([
      { orderId, userId: ann, amount: 300, status: outcome === 'succeeds' ? SUCCEEDED : FAILED },
    ]);
  });

  test('is given its money back when it is cancelled', async () => {
    const { orderId } = await reserved({ token: 'tok_ok' });
    await settled(orderId, SUCCEEDED);
    const event = await cancelled(orderId);
    const [, refunded] = await eventsOf(orderId, 2);
    expect(refunded).toMatchObject({
      type: 'payment_refunded',
      aggregateversion: 2,
      causationid: event.id,
      data: { amount: 300 },
    });
    expect(await paymentsOf(orderId)).toMatchObject([{ status: REFUNDED }]);
  });
});

describe('a payment', () => {
  test('is made by who ordered, for what the order costs', async () => {
    const { orderId } = await reserved({ userId: ann });
    const payment = await paid(orderId, { userId: ann });
    expect(payment).toMatchObject({ orderId, userId: ann, amount: 300, method: 'CREDIT_CARD', status: SUCCEEDED });
    expect((await client.getPayment({ id: payment.id, userId: ann })).payment).toEqual(payment);
    expect((await client.listPayments({ userId: ann })).payments[0]).toEqual(payment);
  });

  test('of somebody else is not found, not listed, not refunded; nor can their order be paid', async () => {
    const { orderId } = await reserved({ userId: ann });
    const { id } = await paid(orderId, { userId: ann });
    const other = await reserved({ userId: ann });
    for (const attempt of [client.getPayment, client.refundPayment]) {
      await expect(attempt({ id, userId: bob })).rejects.toMatchObject({ code: 'PAYMENT_NOT_FOUND' });
    }
    expect((await client.listPayments({ userId: bob, orderId })).payments).toEqual([]);
    for (const nobody of [{ userId: bob }, {}]) {
      await expect(pay(other.orderId, nobody)).rejects.toMatchObject({ code: 'ORDER_NOT_PAYABLE' });
    }
    await paid(other.orderId, { userId: ann });
  });

  test('is made once for one key, which is good for nothing else', async () => {
    const [{ orderId }, other] = [await reserved({ userId: ann }), await reserved({ userId: ann })];
    const idempotencyKey = randomUUIDv7();
    const facts = { userId: ann, idempotencyKey };
    const first = await paid(orderId, facts);
    const again = await Promise.all([pay(orderId, facts), pay(orderId, facts)]);
    expect(again.map(({ payment }) => payment?.id)).toEqual([first.id, first.id]);
    for (const attempt of [() => paid(other.orderId, facts), () => pay(orderId, { ...facts, token: 'tok_fraud' })]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    }
    // Somebody else may have chosen the same one.
    const theirs = await reserved({ userId: bob });
    expect((await paid(theirs.orderId, { userId: bob, idempotencyKey })).id).not.toBe(first.id);
  });

  test('that was refused is an answer, and cannot be refunded', async () => {
    const { orderId } = await reserved();
    const payment = await paid(orderId, { token: 'tok_insufficient_funds' });
    expect(payment).toMatchObject({ status: FAILED, failureReason: 'insufficient_funds' });
    await expect(client.refundPayment({ id: payment.id })).rejects.toMatchObject({ code: 'NOT_REFUNDABLE' });
  });

  test('is refunded once, however often that is asked', async () => {
    const { orderId } = await reserved({ userId: ann });
    const { id } = await paid(orderId, { userId: ann });
    const asked = await Promise.all([1, 2, 3].map(() => client.refundPayment({ id, userId: ann })));
    expect(asked.map(({ payment }) => payment?.status)).toEqual([REFUNDED, REFUNDED, REFUNDED]);
    expect((await eventsOf(orderId, 2)).map(({ type }) => type)).toEqual(['payment_processed', 'payment_refunded']);
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['by another method', { method: 'CASH' }, { code: 'BAD_USER_INPUT', field: 'method' }],
    ['without a token', { token: '' }, { code: 'BAD_USER_INPUT', field: 'token' }],
    ['with a token that is too long', { token: 'x'.repeat(129) }, { code: 'BAD_USER_INPUT', field: 'token' }],
    ['for what is no order', { orderId: 'nope' }, { code: 'BAD_USER_INPUT', field: 'orderId' }],
    ['under a key that is none', { idempotencyKey: 'ä' }, { code: 'BAD_USER_INPUT', field: 'idempotencyKey' }],
    ['for an order that nobody knows', {}, { code: 'ORDER_NOT_PAYABLE' }],
  ])('is refused: one %s', async (_sentence, facts, error) => {
    const request = { orderId: randomUUIDv7(), method: 'PAYPAL', token: 'tok_ok', ...facts };
    await expect(client.createPayment(request)).rejects.toMatchObject(error);
  });
});

test('metrics count by method and reason, and time the processor', async () => {
  const response = await fetch(`http://127.0.0.1:${service.managementPort}/metrics`);
  const text = (await response.text()).replaceAll(/^(?!payment_).*\n/gm, '');
  expect(text).toMatch(/payment_succeeded_total\{method="PAYPAL",status="SUCCEEDED",service="payments"\} [1-9]/);
  expect(text).toMatch(/payment_failed_total\{method="PAYPAL",failure_reason="fraud_suspected",service="payments"\} 1/);
  expect(text).toMatch(/payment_refunded_total\{method="CREDIT_CARD",service="payments"\} 1/);
  expect(text).toMatch(
    /payment_processing_duration_seconds_count\{service="payments",method="PAYPAL",operation="charge"\} [1-9]/,
  );
});
