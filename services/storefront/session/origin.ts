import { problemResponse } from '../gateway/problem.ts';

/**
 * Refuses what changes something on behalf of a page of another origin. Cookies that are SameSite=Strict do not come
 * along from other sites; this is for other origins of the same site, too.
 */
export function foreignOrigin(request: Request): Response | undefined {
  const { headers } = request;
  const origin = URL.parse(headers.get('origin') ?? '');
  const host = headers.get('x-forwarded-host') ?? headers.get('host');
  if (origin !== null && origin.host === host) return undefined;
  return problemResponse(403, 'FOREIGN_ORIGIN', 'Only pages of this shop may do this.');
}

/** Whether the visitor came by HTTPS, here or at a proxy in front. */
export function isSecure({ headers }: Request): boolean {
  return headers.get('x-forwarded-proto')?.split(',')[0]?.trim() === 'https';
}
