import { apiAddress } from '../gateway/address.ts';
import { forward } from '../gateway/forward.ts';
import { problemResponse } from '../gateway/problem.ts';
import { processWide } from '../gateway/process-wide.ts';
import { endingCookies, nameCookie, readSession, tokenCookies } from './cookies.ts';
import { isSecure } from './origin.ts';
import { type Renewal, renewals } from './renewals.ts';

export const BACKEND_TIMEOUT_MS = 10_000;

const renew = processWide('renewals', () =>
  renewals({
    exchange: (refreshToken) =>
      forward(apiAddress('auth/refresh'), {
        method: 'POST',
        body: JSON.stringify({ refreshToken }),
        timeoutMs: BACKEND_TIMEOUT_MS,
      }),
    now: () => performance.now(),
  }),
);

/**
 * Sends what a visitor asks with their access token, which is renewed when it is over. A login that has ended is told as
 * SESSION_ENDED, and forgotten: the request is not sent as nobody's, which it was not meant as.
 */
export async function relay(
  request: Request,
  send: (accessToken: string | undefined) => Promise<Response>,
): Promise<Response> {
  const { accessToken, refreshToken, name } = readSession(request.headers);
  if (accessToken !== undefined || refreshToken === undefined) {
    const answer = await send(accessToken);
    if (refreshToken === undefined || answer.status !== 401) return answer;
  }
  const renewal = await renew(refreshToken);
  const secure = isSecure(request);
  if (renewal.kind !== 'renewed') return told(renewal, secure);
  const { tokens } = renewal;
  const answer = await send(tokens.accessToken);
  const greeting = name === undefined ? [] : [nameCookie(name, tokens.refreshExpiresIn, secure)];
  return withCookies(answer, [...tokenCookies(tokens, secure), ...greeting]);
}

export function withCookies(answer: Response, cookies: readonly string[]): Response {
  for (const cookie of cookies) answer.headers.append('set-cookie', cookie);
  return answer;
}

function told(renewal: Exclude<Renewal, { kind: 'renewed' }>, secure: boolean): Response {
  if (renewal.kind === 'unknown') return renewal.answer.clone();
  return withCookies(
    problemResponse(401, 'SESSION_ENDED', 'You are signed out. Sign in again.'),
    endingCookies(secure),
  );
}
