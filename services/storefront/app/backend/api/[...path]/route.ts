import { apiAddress } from '../../../../gateway/address.ts';
import { forward } from '../../../../gateway/forward.ts';
import { problemResponse } from '../../../../gateway/problem.ts';
import { jsonText } from '../../../../session/body.ts';
import { nameCookie } from '../../../../session/cookies.ts';
import { foreignOrigin, isSecure } from '../../../../session/origin.ts';
import { BACKEND_TIMEOUT_MS, relay, withCookies } from '../../../../session/relay.ts';

/** What pages ask for. Tokens are made elsewhere: their routes answer with what a script must not have. */
const SEGMENT = '[^/?#]+';
const ALLOWED = [
  `GET inventory/(products|categories|products/${SEGMENT})`,
  `(GET|POST) orders`,
  `GET orders/${SEGMENT}(/trace)?`,
  `POST orders/${SEGMENT}/cancel`,
  `(GET|POST) payments`,
  `(GET|PUT) users/profile`,
].map((pattern) => new RegExp(`^${pattern}$`));

const SEVEN_DAYS = 7 * 24 * 3600;

/** The browser's way to the gateway. One origin for pages and data: it works behind any ingress or forwarder. */
async function handle(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const path = pathname.slice('/backend/api/'.length);
  if (!ALLOWED.some((pattern) => pattern.test(`${request.method} ${path}`))) {
    return problemResponse(404, 'NOT_FOUND', 'There is nothing under this address.');
  }
  const sent = request.method === 'GET' ? { text: undefined } : await changing(request);
  if ('refusal' in sent) return sent.refusal;
  const address = apiAddress(path + search);
  const { method, headers } = request;
  const isPublic = path.startsWith('inventory/');
  const send = (accessToken?: string) =>
    forward(address, { method, body: sent.text, headers, accessToken, timeoutMs: BACKEND_TIMEOUT_MS });
  const answer = isPublic ? await send() : await relay(request, send);
  if (method !== 'PUT' || !answer.ok) return answer;
  const { name } = (await answer.clone().json()) as { name: string };
  return withCookies(answer, [nameCookie(name, SEVEN_DAYS, isSecure(request))]);
}

async function changing(request: Request): Promise<{ text: string | undefined } | { refusal: Response }> {
  const refusal = foreignOrigin(request);
  if (refusal) return { refusal };
  if (request.headers.get('content-length') === '0' || request.body === null) return { text: undefined };
  return jsonText(request);
}

export { handle as GET, handle as POST, handle as PUT };
