import { randomUUID } from 'node:crypto';
import { OrderPlatforms, STAGES, type Stage } from '@orderplane/operator/api/v1alpha1/index.ts';
import type { Client, ObjectKey } from '@orderplane/operator/runtime/index.ts';
import { inStep, type Progress, type Step } from '../progress.ts';
import { until } from './until.ts';

const PATIENCE_MS = 300_000;
const ORDER_PATIENCE_MS = 60_000;

const TITLES: Readonly<Record<Stage, string>> = {
  CredentialsReady: 'credentials',
  NetworkRestricted: 'network policies',
  StoresReady: 'stores',
  BrokerReady: 'broker',
  IdentityReady: 'identity',
  DatabasesReady: 'databases and roles',
  SchemaCurrent: 'migrations',
  SeedsApplied: 'seeds',
  ServicesAvailable: 'services',
  Exposed: 'exposure',
  Monitored: 'monitoring',
  OrderFlowVerified: 'a test order went through',
};

/** Shows the stages of a platform as they are reached, and returns once it is Ready for its present generation. */
export async function waitUntilReady(
  client: Client,
  key: ObjectKey,
  report: Progress,
  signal?: AbortSignal,
): Promise<void> {
  const steps = new Map<Stage, Step>();
  const open = () => {
    const next = STAGES.find((stage) => !steps.has(stage));
    if (next) steps.set(next, report.step(`${key.name}: ${TITLES[next]}`));
  };
  open();
  let current: Stage | undefined;
  try {
    await until(`OrderPlatform ${key.namespace}/${key.name} is Ready`, PATIENCE_MS, signal, async () => {
      const platform = await client.get(OrderPlatforms, key, { signal });
      const conditions = new Map(platform?.status?.conditions?.map((condition) => [condition.type, condition]));
      const holds = (type: string) => {
        const condition = conditions.get(type);
        return condition?.status === 'True' && condition.observedGeneration === platform?.metadata.generation;
      };
      for (const stage of STAGES) {
        current = stage;
        if (!holds(stage)) break;
        steps.get(stage)?.done();
        open();
      }
      if (holds('Ready')) return true;
      const cause = conditions.get('Ready')?.message ?? 'the operator has not looked at it yet';
      if (current) steps.get(current)?.update(conditions.get(current)?.message ?? cause);
      return cause;
    });
  } catch (error) {
    if (current) steps.get(current)?.fail(error);
    throw error;
  }
}

export interface PlacedOrder {
  id: string;
  productId: string;
  qty: number;
  createdAt: string;
  /** From the answer to createOrder until the read model showed the order, in milliseconds. */
  visibleAfterMs: number;
}

/**
 * Places an order through GraphQL and waits until the read model shows it. A node that has just come back reports its pods late, so
 * an order that is refused for now is sent again, under the same key: it counts once.
 */
export async function placeOrder(
  graphqlUrl: string,
  order: { productId: string; qty: number },
  report: Progress,
  signal?: AbortSignal,
): Promise<PlacedOrder> {
  return inStep(report, 'order placed, and seen in the read model', async (step) => {
    const mutation =
      'mutation ($productId: ID!, $qty: Int!) { createOrder(productId: $productId, qty: $qty) { id productId qty createdAt } }';
    const key = randomUUID();
    let placed: Omit<PlacedOrder, 'visibleAfterMs'> | undefined;
    await until('an order is accepted', ORDER_PATIENCE_MS, signal, async () => {
      const answer = await ask<{ createOrder: typeof placed }>(graphqlUrl, mutation, order, signal, key).catch(
        (error: unknown) => {
          step.update(error instanceof Error ? error.message : String(error));
          throw error;
        },
      );
      placed = answer.createOrder;
      return placed ? true : 'the gateway gave no order';
    });
    const { id, ...rest } = placed as NonNullable<typeof placed>;
    const answered = performance.now();
    await until(`order ${id} is in the read model`, ORDER_PATIENCE_MS, signal, async () => {
      const query = 'query ($id: ID!) { order(id: $id) { id } }';
      const { order: seen } = await ask<{ order: { id: string } | null }>(graphqlUrl, query, { id }, signal);
      return seen ? true : 'the read model does not have it';
    });
    return { id, ...rest, visibleAfterMs: Math.round(performance.now() - answered) };
  });
}

async function ask<T>(
  url: string,
  query: string,
  variables: object,
  signal?: AbortSignal,
  idempotencyKey?: string,
): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(idempotencyKey && { 'idempotency-key': idempotencyKey }) },
    body: JSON.stringify({ query, variables }),
    signal,
  });
  const text = await response.text();
  if (!response.headers.get('content-type')?.includes('json'))
    throw new Error(`${url} answered ${response.status}: ${text.slice(0, 200)}`);
  const { data, errors } = JSON.parse(text) as { data?: T; errors?: { message: string }[] };
  if (errors?.[0]) throw new Error(errors[0].message);
  if (!data) throw new Error(`${url} answered ${response.status} without data`);
  return data;
}
