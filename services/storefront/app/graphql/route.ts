import { forward, graphqlError } from '../../gateway/forward.ts';

const TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 64 * 1024;

/**
 * The browser's way to the gateway. One origin for pages and data: it works behind any ingress or forwarder, and the
 * gateway's address stays a matter of the cluster. JSON only, which another origin cannot send without CORS's consent.
 */
export async function POST(request: Request): Promise<Response> {
  if (!request.headers.get('content-type')?.startsWith('application/json')) {
    return graphqlError(415, 'BAD_REQUEST', 'Send a GraphQL request as application/json.');
  }
  const body = await readAtMost(request, MAX_BODY_BYTES);
  if (body === undefined) {
    return graphqlError(413, 'PAYLOAD_TOO_LARGE', `A request may have ${MAX_BODY_BYTES / 1024} KiB.`);
  }
  return forward(body, { timeoutMs: TIMEOUT_MS, headers: request.headers });
}

async function readAtMost(request: Request, limit: number): Promise<string | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > limit) return undefined;
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
