import { headers } from 'next/headers';
import type { Remote } from '../shop/ui/use-remote.ts';
import { apiAddress } from './address.ts';
import { forward } from './forward.ts';
import { answerOf, type Answer } from './problem.ts';

/**
 * A page answers within this time whatever the gateway does, as probes ask for it too. What is late is left to the
 * browser, which shows it loading and waits longer.
 */
export const PAGE_BUDGET_MS = 400;

/** For a page that is being rendered: what anybody may read. */
export async function readForPage<Data>(path: string): Promise<Answer<Data>> {
  const incoming = new Headers(await headers());
  return answerOf<Data>(await forward(apiAddress(path), { timeoutMs: PAGE_BUDGET_MS, headers: incoming }));
}

/** What a page hands to the browser, which goes on from there. */
export function toRemote<Data>(answer: Answer<Data>): Remote<Data> {
  if (answer.kind === 'data') return { data: answer.data };
  return answer.problem.code === 'GATEWAY_TIMEOUT' ? {} : { problem: answer.problem };
}
