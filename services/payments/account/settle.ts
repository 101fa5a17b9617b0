import { PAYMENT_METHODS } from '@orderplane/contracts/payments.ts';
import { inTransaction, type Pool } from '@orderplane/shared/postgres.ts';
import { annotate, inSpan, ORDER_ID } from '@orderplane/shared/telemetry/span.ts';
import type { PaymentMetrics } from '../metrics.ts';
import type { Charge, Processor } from '../processor/processor.ts';
import { type Account, type Command, decide, nextStep, type Payment, type PaymentEvent } from './account.ts';
import { type Cause, claimUnsettled, lockAccount, saveDecision } from './store.ts';

export interface SettleDeps {
  readonly pool: Pool;
  readonly processor: Processor;
  readonly metrics: PaymentMetrics;
  readonly now: () => Date;
  /** UUIDs of version 7. */
  readonly newId: () => string;
  /** Called when there is something to publish. */
  readonly stored: () => void;
}

/** How long whoever began has, before somebody else takes it that he died. Longer than the processor takes. */
export const ATTEMPT_MS = 10_000;

/** Decides on an order's account as it is now, and stores what follows, in one transaction that nobody else can come between. */
export async function carryOut(
  deps: SettleDeps,
  orderId: string,
  command: Command,
  cause: Cause = {},
): Promise<Account> {
  annotate({ [ORDER_ID]: orderId });
  const decision = await inTransaction(deps.pool, async (transaction) => {
    const before = await lockAccount(transaction, orderId);
    const decided = decide(before.account, command);
    const at = deps.now();
    const attemptAt = new Date(at.getTime() + ATTEMPT_MS);
    await saveDecision(transaction, before, decided, { cause, at, attemptAt });
    return decided;
  });
  for (const event of decision.events) count(deps.metrics, event);
  if (decision.events.length > 0) deps.stored();
  return decision.next;
}

/**
 * Asks of the processor what is to be asked, and stores its answer, until nothing is left to do. That something is to be asked has been
 * committed before, and the key of every request is the payment's: whoever dies here, and whoever is faster, the money moves once.
 */
export async function settle(deps: SettleDeps, orderId: string, account: Account): Promise<Account> {
  let current = account;
  for (let step = nextStep(current); step !== undefined; step = nextStep(current)) {
    current = await carryOut(deps, orderId, await ask(deps, step, orderId, current.payment as Payment));
  }
  return current;
}

/** Goes on with one payment whose settler died, or lost its processor. False: there is none. */
export async function settleOne(deps: SettleDeps): Promise<boolean> {
  const now = deps.now();
  const attemptAt = new Date(now.getTime() + ATTEMPT_MS);
  const orderId = await claimUnsettled(deps.pool, { now, attemptAt });
  if (orderId === undefined) return false;
  const { account } = await inTransaction(deps.pool, (transaction) => lockAccount(transaction, orderId));
  await settle(deps, orderId, account);
  return true;
}

async function ask(
  { processor, metrics }: SettleDeps,
  step: 'charge' | 'give_back',
  reference: string,
  { id: key, amount, method, token }: Payment,
): Promise<Command> {
  const charge: Charge = { key, reference, amount, method, token };
  const end = metrics.processing.startTimer({ method: labelOf(method), operation: step });
  try {
    return await inSpan(processorSpan(step, charge), async () => {
      const asked: Command =
        step === 'charge'
          ? { type: 'charged', outcome: await processor.charge(charge) }
          : { type: 'given_back', outcome: await processor.giveBack(charge) };
      annotate({ 'orderplane.payment.outcome': asked.outcome });
      return asked;
    });
  } finally {
    end();
  }
}

function processorSpan(step: 'charge' | 'give_back', { key, reference, method }: Charge) {
  const attributes = {
    'orderplane.payment.id': key,
    'orderplane.payment.method': labelOf(method),
    [ORDER_ID]: reference,
  };
  return { name: `processor ${step}`, kind: 'client', attributes } as const;
}

function count(metrics: PaymentMetrics, { type, data }: PaymentEvent): void {
  const method = labelOf(data.method);
  if (type === 'payment_processed') metrics.succeeded.inc({ method, status: 'SUCCEEDED' });
  if (type === 'payment_failed') metrics.failed.inc({ method, failure_reason: data.failureReason });
  if (type === 'payment_refunded') metrics.refunded.inc({ method });
}

/** Only as many labels as there are methods. */
function labelOf(method: string): string {
  return PAYMENT_METHODS.find((known) => known === method) ?? 'OTHER';
}
