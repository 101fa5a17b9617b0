import { apiAddress } from '../gateway/address.ts';
import { forward } from '../gateway/forward.ts';
import { jsonText } from './body.ts';
import { nameCookie, type Tokens, tokenCookies } from './cookies.ts';
import { foreignOrigin, isSecure } from './origin.ts';
import { BACKEND_TIMEOUT_MS, withCookies } from './relay.ts';

interface Login {
  user: { name: string; email: string };
  tokens: Tokens;
}

/** Logs in or registers: the browser gets to know who it is, and keeps tokens that its scripts never see. */
export async function beginSession(request: Request, path: 'auth/login' | 'auth/register'): Promise<Response> {
  const foreign = foreignOrigin(request);
  if (foreign) return foreign;
  const body = await jsonText(request);
  if ('refusal' in body) return body.refusal;
  const { headers } = request;
  const answer = await forward(apiAddress(path), { method: 'POST', body: body.text, timeoutMs: BACKEND_TIMEOUT_MS, headers }); // prettier-ignore
  if (!answer.ok) return answer;
  const { user, tokens } = (await answer.json()) as Login;
  const secure = isSecure(request);
  const cookies = [...tokenCookies(tokens, secure), nameCookie(user.name, tokens.refreshExpiresIn, secure)];
  const told = Response.json({ name: user.name }, { status: answer.status, headers: { 'cache-control': 'no-store' } });
  return withCookies(told, cookies);
}
