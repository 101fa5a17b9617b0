import { type Answer, answerOf, problem } from '../gateway/problem.ts';

export interface AskOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Sent as JSON. */
  body?: object;
  signal?: AbortSignal;
  /** Makes it safe to send something again: with the same key it happens once. */
  idempotencyKey?: string;
}

/** Longer than the storefront waits for the gateway: this is for a storefront that says nothing at all. */
const BROWSER_TIMEOUT_MS = 15_000;

/** Asks the storefront's backend. Never rejects: whatever goes wrong is a problem to show. */
export async function ask<Data>(
  path: string,
  { method = 'GET', body, signal, idempotencyKey }: AskOptions = {},
): Promise<Answer<Data>> {
  const headers = new Headers();
  if (body) headers.set('content-type', 'application/json');
  if (idempotencyKey) headers.set('idempotency-key', idempotencyKey);
  const late = AbortSignal.timeout(BROWSER_TIMEOUT_MS);
  try {
    const response = await fetch(`/backend/${path}`, {
      method,
      headers,
      signal: signal ? AbortSignal.any([signal, late]) : late,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return await answerOf<Data>(response);
  } catch {
    return problem('STOREFRONT_UNREACHABLE', 'The shop does not answer. Check the connection and try again.');
  }
}

/** Unlike crypto.randomUUID, this works where the shop is not served over HTTPS. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
