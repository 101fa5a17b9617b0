/** Why there is no answer. `code` is the gateway's, or one of forward.ts, or STOREFRONT_UNREACHABLE in the browser. */
export interface Problem {
  code: string;
  message: string;
  /** The input that is at fault. */
  field?: string;
}

export type Answer<Data> = { kind: 'data'; data: Data } | { kind: 'problem'; problem: Problem };

/** What a response says: its JSON, or the problem that it tells of (RFC 9457). */
export async function answerOf<Data>(response: Response): Promise<Answer<Data>> {
  if (response.status === 204) return { kind: 'data', data: undefined as Data };
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    return problem('INVALID_ANSWER', `The shop answered something that it should not (HTTP ${response.status}).`);
  }
  if (response.ok) return { kind: 'data', data: body as Data };
  const { code, detail, title, field } = body as Partial<Record<'code' | 'detail' | 'title' | 'field', string>>;
  const message = detail ?? title ?? `HTTP ${response.status}`;
  return { kind: 'problem', problem: { code: code ?? 'UNKNOWN', message, ...(field === undefined ? {} : { field }) } };
}

export function problem(code: string, message: string): { kind: 'problem'; problem: Problem } {
  return { kind: 'problem', problem: { code, message } };
}

/** A problem as the storefront's own answer. */
export function problemResponse(status: number, code: string, detail: string, headers: HeadersInit = {}): Response {
  const body = JSON.stringify({ type: 'about:blank', title: detail, status, detail, code });
  const all = new Headers(headers);
  all.set('content-type', 'application/problem+json');
  all.set('cache-control', 'no-store');
  return new Response(body, { status, headers: all });
}
