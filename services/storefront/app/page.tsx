import { connection } from 'next/server';
import { type Answer, ask, type Transport } from '../gateway/ask.ts';
import { forward } from '../gateway/forward.ts';
import { listOrders, listProducts } from '../gateway/operations.ts';
import { ORDERS_AT_FIRST } from '../shop/orders-shown.ts';
import { Shop } from '../shop/shop.tsx';
import type { Remote } from '../shop/use-remote.ts';

/**
 * The page answers within this time whatever the gateway does, as probes ask for it too. What is late is left to the
 * browser, which shows it loading and waits longer.
 */
const BUDGET_MS = 400;

const withinBudget: Transport = (body) => forward(body, { timeoutMs: BUDGET_MS });

export default async function Page() {
  await connection();
  const [products, orders] = await Promise.all([
    ask(withinBudget, listProducts, {}),
    ask(withinBudget, listOrders, { first: ORDERS_AT_FIRST }),
  ]);
  return (
    <Shop products={toRemote(products, (data) => data.products)} orders={toRemote(orders, (data) => data.orders)} />
  );
}

function toRemote<Data, Part>(answer: Answer<Data>, pick: (data: Data) => Part): Remote<Part> {
  if (answer.kind === 'data') return { data: pick(answer.data) };
  return answer.problem.code === 'GATEWAY_TIMEOUT' ? {} : { problem: answer.problem };
}
