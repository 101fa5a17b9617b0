import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { verifyInput, type Hop, type JobResult, type VerifyInput, type VerifyResult } from '../contract.ts';
import { JobError, type FailureReason } from '../failures.ts';
import { requireEnv, runJob, type JobContext, type JobEnv } from '../job.ts';
import { findLostEvent, markBroker, type BrokerMark } from './broker.ts';
import { createGraphQL, GatewayFault, type GraphQL } from './gateway.ts';

const POLL_MS = 100;
const RETRY_MS = 500;

interface Order {
  id: string;
  status: string;
  cancelReason?: string | null;
}

/** Sends a synthetic order through the real platform: placed, seen in the read model, confirmed, cancelled, seen cancelled. */
export function runVerify(env: JobEnv, signal: AbortSignal): Promise<JobResult<VerifyResult>> {
  return runJob({ name: 'verify', input: verifyInput, run: verify }, env, signal);
}

interface Verification {
  graphql: GraphQL;
  input: VerifyInput;
  mark: BrokerMark;
  signal: AbortSignal;
}

async function verify({ input, env, signal, log }: JobContext<VerifyInput>): Promise<VerifyResult> {
  const url = new URL(input.gatewayUrl);
  if (url.pathname === '/') url.pathname = '/graphql';
  const graphql = createGraphQL(url.href, requireEnv(env, 'VERIFICATION_KEY'), signal);
  const mark = await markBroker(input.brokerMonitorUrl, signal);
  const verification: Verification = { graphql, input, mark, signal };

  const orderId = await placeOrder(verification);
  const placedAt = performance.now();
  log.info({ orderId }, 'the gateway has accepted the order');
  await seeOrder(verification, orderId, 'ReadModelTimeout', () => true);
  const visibleAfterMs = Math.round(performance.now() - placedAt);
  log.info({ orderId, visibleAfterMs }, 'the order is in the read model');
  await seeConfirmed(verification, orderId);
  const confirmedAfterMs = Math.round(performance.now() - placedAt);
  log.info({ orderId, confirmedAfterMs }, 'the order is confirmed');
  await cancelOrder(verification, orderId);
  await seeOrder(verification, orderId, 'CancelFailed', (order) => order.status === 'CANCELLED');
  log.info({ orderId }, 'the order is cancelled');
  return { orderId, visibleAfterMs, ...(input.sagaSteps.length > 0 && { confirmedAfterMs }) };
}

/** One key for all attempts: an order whose answer was lost is not placed twice. */
async function placeOrder(verification: Verification): Promise<string> {
  const headers = { 'idempotency-key': `verify-${randomUUID()}` };
  const payment = verification.input.sagaSteps.includes('payment')
    ? ', payment: { method: "CREDIT_CARD", token: "tok_ok" }'
    : '';
  const mutation = `mutation ($productId: ID!) { createOrder(productId: $productId, qty: 1${payment}) { id } }`;
  const answer = await untilAnswered(verification, 'OrderRejected', () =>
    verification.graphql<{ createOrder: { id: string } }>(mutation, { productId: VERIFICATION_PRODUCT }, headers),
  );
  return answer.createOrder.id;
}

/** Waits for the saga; an order that does not get through it is cancelled all the same. */
async function seeConfirmed(verification: Verification, id: string): Promise<void> {
  if (verification.input.sagaSteps.length === 0) return;
  try {
    await seeOrder(verification, id, 'OrderNotConfirmed', ({ status }) => status === 'CONFIRMED');
  } catch (error) {
    await cancelOrder({ ...verification, input: { ...verification.input, timeoutSeconds: 1 } }, id).catch(() => {});
    throw error;
  }
}

async function cancelOrder(verification: Verification, id: string): Promise<void> {
  const mutation = 'mutation ($id: ID!) { cancelOrder(id: $id) { id status } }';
  await untilAnswered(verification, 'CancelFailed', () => verification.graphql(mutation, { id }));
}

/** Repeats a request while whoever fails may still come up, for as long as the verification may take. */
async function untilAnswered<T>(
  { input, signal }: Verification,
  reason: FailureReason,
  request: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + input.timeoutSeconds * 1000;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof GatewayFault)) throw error;
      if (!error.transient || performance.now() > deadline) throw failure(error, reason);
      await delay(RETRY_MS, undefined, { signal });
    }
  }
}

/** Polls the read model until it shows the order as expected. */
async function seeOrder(
  verification: Verification,
  id: string,
  reason: FailureReason,
  asExpected: (order: Order) => boolean,
): Promise<void> {
  const { graphql, input, signal } = verification;
  const deadline = performance.now() + input.timeoutSeconds * 1000;
  const isEnd = (order: Order) => reason === 'OrderNotConfirmed' && order.status === 'CANCELLED';
  let fault: GatewayFault | undefined;
  let seen: Order | null = null;
  while (performance.now() < deadline) {
    try {
      const cancelReason = input.sagaSteps.length > 0 ? ' cancelReason' : '';
      const query = `query ($id: ID!) { order(id: $id) { id status${cancelReason} } }`;
      seen = (await graphql<{ order: Order | null }>(query, { id })).order;
      fault = undefined;
      if (seen && asExpected(seen)) return;
      if (seen && isEnd(seen)) break;
    } catch (error) {
      if (!(error instanceof GatewayFault)) throw error;
      if (!error.transient) throw failure(error, reason);
      fault = error;
    }
    await delay(POLL_MS, undefined, { signal });
  }
  if (fault) throw failure(fault, reason);
  if (seen && reason === 'OrderNotConfirmed') throw notConfirmed(seen, input);
  throw await notShown(verification, id, seen, reason);
}

/** Which step an order has stopped at. Whatever was cancelled of itself says which it was. */
function notConfirmed({ id, status, cancelReason }: Order, { timeoutSeconds }: VerifyInput): JobError {
  const isPayment = cancelReason ? /payment|refund/.test(cancelReason) : status === 'STOCK_RESERVED';
  const hop: Hop = status === 'PAID' ? 'orders' : isPayment ? 'payments' : 'inventory';
  const step = { orders: 'confirmed', payments: 'paid', inventory: 'given its stock' }[hop];
  const what =
    status === 'CANCELLED'
      ? `was cancelled (${cancelReason ?? 'for no reason that it tells'})`
      : `is still ${status} after ${timeoutSeconds} s`;
  return new JobError('OrderNotConfirmed', `${hop}: the order ${id} was not ${step}, it ${what}`, { hop });
}

async function notShown(
  { input, mark, signal }: Verification,
  id: string,
  seen: Order | null,
  reason: FailureReason,
): Promise<JobError> {
  const { hop, why } = await findLostEvent(input.brokerMonitorUrl, mark, signal);
  const what = seen ? `still shows the cancelled order ${id} as ${seen.status}` : `has not shown the order ${id}`;
  return new JobError(reason, `order-query ${what} within ${input.timeoutSeconds} s: ${why}`, { hop });
}

function failure(fault: GatewayFault, reason: FailureReason): JobError {
  const hop: Hop = fault.hop;
  return new JobError(fault.code === 'UNREACHABLE' ? 'GatewayUnreachable' : reason, fault.message, {
    hop,
    cause: fault,
  });
}
