import { createHash } from 'node:crypto';
import { CodedError } from '@orderplane/shared/errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Rate, Taken, TakeToken } from './rate-limit.ts';

export interface Limits {
  /** For a request as it comes in, by its address. */
  ofAddress(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** For a request that turned out to be a user's. */
  ofUser(userId: string, reply: FastifyReply): Promise<void>;
  /** For an attempt at an account from an address. What names the account is not kept. */
  ofAccount(account: string, request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

export interface LimitsOptions {
  readonly take: TakeToken;
  readonly perMinute: number;
  readonly authPerMinute: number;
}

/** Each throws RATE_LIMITED when there were too many. The headers tell of the limit that is nearest to its end. */
export function limits({ take, perMinute, authPerMinute }: LimitsOptions): Limits {
  const rate = { perMinute };
  const check = async (key: string, limit: Rate, reply: FastifyReply) => {
    const result = await take(key, limit);
    tell(reply, result);
    if (result.allowed) return;
    reply.header('retry-after', String(Math.max(1, Math.ceil(result.retryAfterMs / 1000))));
    throw new CodedError('RATE_LIMITED');
  };
  return {
    ofAddress: (request, reply) => check(`address:${request.ip}`, rate, reply),
    ofUser: (userId, reply) => check(`user:${userId}`, rate, reply),
    ofAccount: (account, request, reply) =>
      check(`account:${digest(account)}:${request.ip}`, { perMinute: authPerMinute }, reply),
  };
}

function tell(reply: FastifyReply, { limit, remaining, resetMs }: Taken): void {
  const told = reply.getHeader('ratelimit-remaining');
  if (told !== undefined && Number(told) <= remaining) return;
  reply.headers({
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(Math.ceil(resetMs / 1000)),
  });
}

function digest(account: string): string {
  return createHash('sha256').update(account).digest('base64url').slice(0, 22);
}
