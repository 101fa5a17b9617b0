import { CodedError } from '@orderplane/shared/errors.ts';
import type { Logger } from '@orderplane/shared/log.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Counter, type Registry } from 'prom-client';
import * as z from 'zod';
import type { Authenticate } from '../access/authenticate.ts';
import { ANONYMOUS, type Principal } from '../access/principal.ts';
import { refuseOtherMethods } from '../http.ts';
import type { Limits } from '../limits/plugin.ts';
import { parsed } from '../rest/input.ts';
import { sendPage } from '../security-headers.ts';
import type { Shop } from '../shop.ts';
import type { Upstreams } from '../upstreams.ts';
import { batched } from './batch.ts';
import { consolePage } from './console.ts';
import { answerErrors } from './errors.ts';
import { executable, graphqlOn } from './execute.ts';
import { type RequestFacts, resolvers } from './resolvers.ts';
import { schema } from './schema.ts';

export interface GraphQLOptions {
  readonly profile: 'dev' | 'staging' | 'prod';
  readonly upstreams: Upstreams;
  readonly shop: Shop;
  readonly authenticate: Authenticate;
  readonly limits: Limits;
  readonly log: Logger;
  readonly metrics: Registry;
}

const body = z.strictObject({
  query: z.string().min(1),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().max(100).nullish(),
  extensions: z.record(z.string(), z.unknown()).nullish(),
});

/** GraphQL at /graphql; for development also a page to try it out, at /graphiql. */
export function serveGraphQL(app: FastifyInstance, options: GraphQLOptions): void {
  const { profile, upstreams, shop, log, metrics } = options;
  const ask = graphqlOn(executable(schema, resolvers(upstreams, shop)), { introspection: profile !== 'prod' });
  const requests = new Counter({
    name: 'graphql_requests_total',
    help: 'Requests to GraphQL by the code of their first error, or OK: their HTTP status is 200 either way.',
    labelNames: ['outcome'],
    registers: [metrics],
  });
  app.post('/graphql', async (request, reply) => {
    if (request.body === undefined) throw new CodedError('BAD_USER_INPUT', { message: 'A JSON body is needed.' });
    const question = parsed(body, request.body);
    const principal = await principalOf(options, request, reply);
    const { data = null, errors } = await ask(question, factsOf(upstreams, request, principal));
    const told = errors && answerErrors(errors, request.id, log);
    const code = told?.[0]?.extensions?.code;
    requests.inc({ outcome: typeof code === 'string' ? code : 'OK' });
    return { data, ...(told ? { errors: told } : {}) };
  });
  refuseOtherMethods(app, '/graphql', ['POST']);
  if (profile !== 'dev') return;
  app.get('/graphiql', (_request, reply) => sendPage(reply, consolePage));
  refuseOtherMethods(app, '/graphiql', ['GET']);
}

function factsOf({ inventory }: Upstreams, { headers }: FastifyRequest, principal: () => Principal): RequestFacts {
  return {
    principal,
    idempotencyKey: headers['idempotency-key']?.toString(),
    productOf: batched(async (ids) => {
      const { products } = await inventory.batchGetProducts({ ids });
      return new Map(products.map((product) => [product.id, product]));
    }),
  };
}

/** A token that proves nothing is told by the fields that need one. */
async function principalOf(
  { authenticate, limits }: GraphQLOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<() => Principal> {
  let principal: Principal = ANONYMOUS;
  try {
    principal = await authenticate(request.headers.authorization);
  } catch (error) {
    return () => {
      throw error;
    };
  }
  if (principal.kind === 'user') await limits.ofUser(principal.id, reply);
  return () => principal;
}
