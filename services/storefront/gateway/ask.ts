import type { Operation } from './operations.ts';

/** Why there is no answer. `code` is the gateway's, or one of forward.ts, or STOREFRONT_UNREACHABLE in the browser. */
export interface Problem {
  code: string;
  message: string;
}

export type Answer<Data> = { kind: 'data'; data: Data } | { kind: 'problem'; problem: Problem };

export interface AskOptions {
  signal?: AbortSignal;
  /** Makes it safe to send a mutation again: with the same key it happens once. */
  idempotencyKey?: string;
}

/** Carries a GraphQL request; resolves to an HTTP answer or rejects when there is none. */
export type Transport = (body: string, options: AskOptions) => Promise<Response>;

/** Longer than the storefront waits for the gateway: this is for a storefront that says nothing at all. */
const BROWSER_TIMEOUT_MS = 15_000;

export const sameOrigin: Transport = (body, { signal, idempotencyKey }) => {
  const headers = new Headers({ 'content-type': 'application/json' });
  if (idempotencyKey) headers.set('idempotency-key', idempotencyKey);
  const late = AbortSignal.timeout(BROWSER_TIMEOUT_MS);
  return fetch('/graphql', { method: 'POST', headers, body, signal: signal ? AbortSignal.any([signal, late]) : late });
};

/** Asks one operation. Never rejects: whatever goes wrong is a problem to show. */
export async function ask<Data, Variables>(
  transport: Transport,
  operation: Operation<Data, Variables>,
  variables: Variables,
  options: AskOptions = {},
): Promise<Answer<Data>> {
  const body = JSON.stringify({ operationName: operation.name, query: operation.query, variables });
  let response: Response;
  try {
    response = await transport(body, options);
  } catch {
    return problem('STOREFRONT_UNREACHABLE', 'The shop does not answer. Check the connection and try again.');
  }
  try {
    return toAnswer<Data>(await response.json());
  } catch {
    return problem('INVALID_ANSWER', `The shop answered something that is no GraphQL (HTTP ${response.status}).`);
  }
}

interface GraphqlResult<Data> {
  data?: Data | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

function toAnswer<Data>(result: GraphqlResult<Data>): Answer<Data> {
  const error = result.errors?.[0];
  if (error) return problem(error.extensions?.code ?? 'GRAPHQL_ERROR', error.message);
  if (result.data == null) throw new Error('neither data nor errors');
  return { kind: 'data', data: result.data };
}

function problem(code: string, message: string): { kind: 'problem'; problem: Problem } {
  return { kind: 'problem', problem: { code, message } };
}
