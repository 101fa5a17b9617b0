import { SignJWT } from 'jose';
import { HOPS, type Hop } from '../contract.ts';
import { messageOf } from '../failures.ts';

/** Who made a request fail, and whether asking again may help. */
export class GatewayFault extends Error {
  readonly hop: Hop;
  readonly code: string;
  readonly transient: boolean;

  constructor(message: string, fault: { hop: Hop; code: string; transient: boolean; cause?: unknown }) {
    super(message, { cause: fault.cause });
    this.name = 'GatewayFault';
    this.hop = fault.hop;
    this.code = fault.code;
    this.transient = fault.transient;
  }
}

export type GraphQL = <T>(
  query: string,
  variables: Record<string, unknown>,
  headers?: Record<string, string>,
) => Promise<T>;

const REQUEST_TIMEOUT_MS = 5_000;
const TOKEN_LIFETIME = '2m';
/** A service that is being stopped or started may fail in any of these ways. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set(['SERVICE_UNAVAILABLE', 'TIMEOUT', 'INTERNAL']);

/** A GraphQL client of the gateway that carries the operator's verification token; it throws nothing but `GatewayFault`. */
export function createGraphQL(url: string, verificationKey: string, signal: AbortSignal): GraphQL {
  const key = new TextEncoder().encode(verificationKey);
  return async (query, variables, headers) => {
    const token = await new SignJWT({ scope: 'verify' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('orderplane-operator')
      .setAudience('gateway')
      .setIssuedAt()
      .setExpirationTime(TOKEN_LIFETIME)
      .sign(key);
    const { status, text } = await post(url, JSON.stringify({ query, variables }), signal, {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      ...headers,
    });
    return readAnswer(status, text);
  };
}

async function post(
  url: string,
  body: string,
  signal: AbortSignal,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    const response = await fetch(url, { method: 'POST', headers, body, signal: limit });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause ? error.cause : error;
    throw unreachable(`${url} does not answer: ${messageOf(cause)}`, error);
  }
}

interface Answer<T> {
  data?: T | null;
  errors?: { message: string; extensions?: { code?: string; service?: string } }[];
}

function readAnswer<T>(status: number, text: string): T {
  let answer: Answer<T> | undefined;
  try {
    answer = JSON.parse(text) as Answer<T>;
  } catch {
    // Not GraphQL: a proxy's page, or nothing.
  }
  const error = answer?.errors?.[0];
  if (error) {
    const { code = 'UNKNOWN', service } = error.extensions ?? {};
    const hop = HOPS.find((known) => known === service) ?? 'gateway';
    throw new GatewayFault(`${code}: ${error.message}`, { hop, code, transient: TRANSIENT_CODES.has(code) });
  }
  if (answer?.data == null) throw unreachable(`answered HTTP ${status} without data: ${text.slice(0, 200)}`);
  return answer.data;
}

function unreachable(message: string, cause?: unknown): GatewayFault {
  return new GatewayFault(`the gateway ${message}`, { hop: 'gateway', code: 'UNREACHABLE', transient: true, cause });
}
