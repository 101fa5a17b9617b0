import { apiAddress } from '../../../gateway/address.ts';
import { platformFeatures } from '../../../gateway/features.ts';
import { forward } from '../../../gateway/forward.ts';
import { endingCookies, readSession } from '../../../session/cookies.ts';
import { beginSession } from '../../../session/log-in.ts';
import { foreignOrigin, isSecure } from '../../../session/origin.ts';
import { BACKEND_TIMEOUT_MS, withCookies } from '../../../session/relay.ts';
import { problemResponse } from '../../../gateway/problem.ts';

/** Who is signed in, and what this platform has. */
export async function GET(request: Request): Promise<Response> {
  const features = await platformFeatures(BACKEND_TIMEOUT_MS);
  if (!features) return problemResponse(502, 'GATEWAY_UNREACHABLE', 'The gateway cannot be reached.');
  const { refreshToken, name } = readSession(request.headers);
  const user = refreshToken === undefined ? null : { name: name ?? '' };
  return Response.json({ features, user }, { headers: { 'cache-control': 'no-store' } });
}

export function POST(request: Request): Promise<Response> {
  return beginSession(request, 'auth/login');
}

/** The browser forgets its tokens also when nobody could be told that they are over. */
export async function DELETE(request: Request): Promise<Response> {
  const foreign = foreignOrigin(request);
  if (foreign) return foreign;
  const { refreshToken } = readSession(request.headers);
  if (refreshToken !== undefined) {
    const body = JSON.stringify({ refreshToken });
    const { headers } = request;
    await forward(apiAddress('auth/logout'), { method: 'POST', body, timeoutMs: BACKEND_TIMEOUT_MS, headers });
  }
  return withCookies(new Response(null, { status: 204 }), endingCookies(isSecure(request)));
}
