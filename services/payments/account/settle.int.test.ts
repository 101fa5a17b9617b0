import { randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type EventOf, parseEvent } from '@orderplane/contracts/events.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { serviceDatabase } from '@orderplane/hack/testing/service-database.ts';
import { CodedError } from '@orderplane/shared/errors.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { createPool, type Pool } from '@orderplane/shared/postgres.ts';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { paymentMetrics, type PaymentMetrics } from '../metrics.ts';
import { createPayment, handleOrderCancelled, handleStockReserved, listPayments, refundPayment } from '../payments.ts';
import type { Processor } from '../processor/processor.ts';
import { sandboxProcessor } from '../processor/sandbox.ts';
import { type Crash, mortalProcess } from '../testing/crash.ts';
import { ATTEMPT_MS, settleOne, type SettleDeps } from './settle.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let pool: Pool;
let books: Pool;
let processor: Processor;
let metrics: PaymentMetrics;
let clock = Date.now();

beforeAll(async () => {
  postgres = await startPostgres();
  const uri = await serviceDatabase(postgres, 'payments');
  const log = createLogger('test', 'silent');
  pool = createPool({ uri, name: 'test', log });
  books = createPool({ uri, name: 'books', log });
  processor = sandboxProcessor(books, { latencyMs: 0 });
  metrics = paymentMetrics(new Registry(), pool);
}, 600_000);
afterAll(async () => {
  await Promise.all([pool?.end(), books?.end()]);
  await postgres?.stop();
});

/** A process of the service; with a crash one that dies on its way. */
function service(crash?: Crash) {
  const mortal = mortalProcess({ pool, processor }, crash);
  const now = () => new Date(clock);
  const deps: SettleDeps = { ...mortal, metrics, now, newId: () => randomUUIDv7(), stored: () => undefined };
  return { deps, requests: mortal.requests };
}

const fact = (orderId: string, type: string, data: object) => ({
  specversion: '1.0',
  id: randomUUIDv7(),
  source: '/orderplane/test',
  type,
  subject: orderId,
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  schemaversion: 1,
  aggregateversion: 1,
  data,
});

type Step = 'reserved' | 'cancelled' | 'pay' | 'refund' | 'recover';

/** One order's life: what happens to it, in processes that may die. */
function orderLife(token: string | undefined) {
  const orderId = randomUUIDv7();
  const total = 500;
  const lines = [{ productId: 'p1', qty: 1, price: total }];
  const payment = token === undefined ? {} : { payment: { method: 'PAYPAL', token } };
  const expiresAt = new Date().toISOString();
  const reserved = parseEvent(fact(orderId, 'stock_reserved', { lines, total, expiresAt, ...payment }));
  const cancelled = parseEvent(fact(orderId, 'order_cancelled', { reason: 'test' }));
  const steps: Record<Step, (deps: SettleDeps) => Promise<unknown>> = {
    reserved: (deps) => handleStockReserved(deps, reserved.data as EventOf<'stock_reserved'>),
    cancelled: (deps) => handleOrderCancelled(deps, cancelled.data as EventOf<'order_cancelled'>),
    pay: (deps) => createPayment(deps, { orderId, method: 'CREDIT_CARD', token: 'tok_ok', idempotencyKey: orderId }),
    async refund(deps) {
      const [known] = await listPayments(deps, { orderId });
      if (known) await refundPayment(deps, { id: known.id });
    },
    async recover(deps) {
      clock += ATTEMPT_MS + 1;
      while (await settleOne(deps));
    },
  };
  const seen = new Set<Step>();
  const take = async (step: Step, crash?: Crash): Promise<number> => {
    seen.add(step);
    const { deps, requests } = service(crash);
    await steps[step](deps).catch((error: unknown) => {
      const isRefused = error instanceof CodedError && /NOT_PAYABLE|NOT_REFUNDABLE/.test(error.code);
      const isDeath = Error.isError(error) && error.message === 'this process was killed';
      if (!isRefused && !isDeath) throw error;
    });
    return requests();
  };
  return { orderId, seen, take };
}

type Life = ReturnType<typeof orderLife>;

/** All is well again: what was not acknowledged is delivered again, what was left is taken up. Then the books must agree. */
async function end(...lives: Life[]): Promise<void> {
  const delivered = lives.flatMap((life) => {
    const steps = [...life.seen].filter((step) => step === 'reserved' || step === 'cancelled');
    return steps.map((step) => life.take(step));
  });
  await Promise.all(delivered);
  clock += ATTEMPT_MS + 1;
  while (await settleOne(service().deps));
  await Promise.all(lives.map(({ orderId, seen }) => expectBalanced(orderId, { isCancelled: seen.has('cancelled') })));
}

/** From the raw tables of both sides: charged at most once, and the service knows what the processor did. */
async function expectBalanced(orderId: string, { isCancelled }: { isCancelled: boolean }) {
  const charges = await pool.query(
    `select key, refunded_at is not null as refunded from sandbox_charges where reference = $1 and outcome = 'charged'`,
    [orderId],
  );
  const [charge, ...more] = charges.rows as { key: string; refunded: boolean }[];
  expect(more).toEqual([]);
  const { rows } = await pool.query('select id, status from payments where order_id = $1', [orderId]);
  const [payment, ...others] = rows as { id: string; status: string }[];
  expect(others).toEqual([]);
  if (charge) expect(payment).toEqual({ id: charge.key, status: charge.refunded ? 'REFUNDED' : 'SUCCEEDED' });
  else expect(payment === undefined || payment.status === 'FAILED').toBe(true);
  if (isCancelled && charge) expect(charge.refunded).toBe(true);

  const told = await pool.query<{ event: string }>(
    `select event from outbox where event::jsonb ->> 'subject' = $1 order by position`,
    [orderId],
  );
  const events = told.rows.map(({ event }) => parseEvent(JSON.parse(event)).data!);
  const expected = { SUCCEEDED: ['payment_processed'], REFUNDED: ['payment_processed', 'payment_refunded'], FAILED: ['payment_failed'] }; // prettier-ignore
  expect(events.map(({ type }) => type)).toEqual(expected[payment?.status as keyof typeof expected] ?? []);
  expect(events.map(({ aggregateversion }) => aggregateversion)).toEqual(events.map((_event, index) => index + 1));
}

describe('an order is charged once at most, and what was charged for a cancelled one comes back,', () => {
  test.each<[string, string | undefined, Step[]]>([
    ['paid with its order', 'tok_ok', ['reserved']],
    ['refused with its order', 'tok_declined', ['reserved']],
    ['paid later', undefined, ['reserved', 'pay']],
    ['cancelled after it was paid', 'tok_ok', ['reserved', 'cancelled']],
    ['refunded by hand', 'tok_ok', ['reserved', 'refund']],
  ])('wherever a process dies: %s', async (_sentence, token, steps) => {
    const undisturbed = orderLife(token);
    const requests: number[] = [];
    for (const step of steps) requests.push(await undisturbed.take(step));
    const crashes = requests.flatMap((count, doomed) =>
      Array.from({ length: count * 2 }, (_, index) => ({
        doomed,
        crash: { request: 1 + (index >> 1), side: index % 2 === 0 ? ('before' as const) : ('after' as const) },
      })),
    );
    const lives = crashes.map(async ({ doomed, crash }) => {
      const life = orderLife(token);
      for (const [index, step] of steps.entries()) await life.take(step, index === doomed ? crash : undefined);
      return life;
    });
    await end(undisturbed, ...(await Promise.all(lives)));
  });

  test('in whatever order, how often and how much at once things happen to it, while processes die', async () => {
    const step = fc.constantFrom<Step>('reserved', 'cancelled', 'pay', 'refund', 'recover');
    const crash = fc.option(
      fc.record({ request: fc.integer({ min: 1, max: 18 }), side: fc.constantFrom('before' as const, 'after' as const) }),
      { nil: undefined },
    );
    const token = fc.constantFrom(undefined, 'tok_ok', 'tok_ok', 'tok_declined');
    await fc.assert(
      fc.asyncProperty(token, fc.array(fc.tuple(step, crash), { maxLength: 7 }), fc.boolean(), async (how, steps, atOnce) => {
        const life = orderLife(how);
        if (atOnce) await Promise.all(steps.map(([each, dies]) => life.take(each, dies)));
        else for (const [each, dies] of steps) await life.take(each, dies);
        await end(life);
      }),
      { numRuns: 60 },
    );
  }); // prettier-ignore

  test('by fifty at once, each with another payment', async () => {
    const life = orderLife(undefined);
    await life.take('reserved');
    const { orderId } = life;
    const attempts = Array.from({ length: 50 }, () =>
      createPayment(service().deps, { orderId, method: 'PAYPAL', token: 'tok_ok' }),
    );
    const results = await Promise.allSettled(attempts);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await end(life);
  });

  test('when several look for what was left unfinished', async () => {
    const lives = Array.from({ length: 10 }, () => orderLife('tok_ok'));
    // Dies when the payment is stored, before the processor is asked.
    await Promise.all(lives.map((life) => life.take('reserved', { request: 7, side: 'before' })));
    clock += ATTEMPT_MS + 1;
    const looked = lives.map(() => settleOne(service().deps));
    expect(await Promise.all(looked)).toEqual(lives.map(() => true));
    expect(await settleOne(service().deps)).toBe(false);
    await end(...lives);
  });
});
