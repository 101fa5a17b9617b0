import { CodedError } from '@orderplane/shared/errors.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticate } from '../access/authenticate.ts';
import { type Principal, requireUser } from '../access/principal.ts';
import { type Method, refuseOtherMethods } from '../http.ts';
import type { Limits } from '../limits/plugin.ts';
import type { Shop } from '../shop.ts';
import { parsed } from './input.ts';
import type { Access, Route } from './route.ts';
import { idempotencyKey } from './schemas.ts';

export const PREFIX = '/api/v1';

export interface RestOptions {
  readonly routes: readonly Route[];
  readonly authenticate: Authenticate;
  readonly shop: Pick<Shop, 'requireOrderer'>;
  readonly limits: Limits;
}

/** REST below /api/v1: for each route its caller first, then its input, then its work. */
export function serveRest(app: FastifyInstance, { routes, authenticate, shop, limits }: RestOptions): void {
  const callerFor = async (access: Access, request: FastifyRequest, reply: FastifyReply) => {
    if (access === 'public') return undefined;
    const principal = await authenticate(request.headers.authorization);
    if (principal.kind === 'user') await limits.ofUser(principal.id, reply);
    return permitted(access, principal, shop);
  };
  for (const route of routes) {
    app.route({
      method: route.method,
      url: PREFIX + route.path,
      handler: async (request, reply) => {
        const caller = await callerFor(route.access, request, reply);
        const call = {
          caller: caller as never,
          params: parsed(route.params, request.params),
          query: parsed(route.query, request.query),
          body: bodyOf(route, request),
          idempotencyKey: route.repeatable === true ? keyOf(request) : undefined,
        };
        if (route.account) await limits.ofAccount(route.account(call.body), request, reply);
        const answer = await route.handle(call);
        reply.status(route.status);
        return route.status === 204 ? reply.send() : answer;
      },
    });
  }
  for (const [path, methods] of Map.groupBy(routes, ({ path }) => path)) {
    refuseOtherMethods(
      app,
      PREFIX + path,
      methods.map(({ method }): Method => method),
    );
  }
}

function permitted(access: Exclude<Access, 'public'>, principal: Principal, shop: RestOptions['shop']): Principal {
  switch (access) {
    case 'user':
      return requireUser(principal);
    case 'orderer':
      shop.requireOrderer(principal);
      return principal.kind === 'anonymous' ? principal : requireUser(principal);
    case 'tracer':
      return principal.kind === 'operator' && principal.scope === 'trace' ? principal : requireUser(principal);
  }
}

function bodyOf({ body }: Route, request: FastifyRequest): unknown {
  if (!body) return undefined;
  if (request.body === undefined) throw new CodedError('BAD_USER_INPUT', { message: 'A JSON body is needed.' });
  return parsed(body, request.body);
}

function keyOf({ headers }: FastifyRequest): string | undefined {
  return parsed(idempotencyKey.optional(), headers['idempotency-key'], 'Idempotency-Key');
}
