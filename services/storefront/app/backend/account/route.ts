import { beginSession } from '../../../session/log-in.ts';

export function POST(request: Request): Promise<Response> {
  return beginSession(request, 'auth/register');
}
