import type { Logger } from '@orderplane/shared/log.ts';
import type { FastifyInstance } from 'fastify';
import { NoSchemaIntrospectionCustomRule } from 'graphql';
import mercurius from 'mercurius';
import type { GatewayConfig } from '../config.ts';
import type { Upstreams } from '../upstreams.ts';
import { verificationWith } from '../verification.ts';
import { consolePage } from './console.ts';
import { answerErrors } from './errors.ts';
import { limitFields, MAX_DEPTH } from './limits.ts';
import { type RequestFacts, resolvers } from './resolvers.ts';
import { schema } from './schema.ts';

export interface GraphQLOptions {
  readonly config: GatewayConfig;
  readonly upstreams: Upstreams;
  readonly log: Logger;
}

/** GraphQL at /graphql; for development also a page to try it out, at /graphiql. */
export async function graphql(app: FastifyInstance, { config, upstreams, log }: GraphQLOptions): Promise<void> {
  const rules = config.PROFILE === 'prod' ? [limitFields, NoSchemaIntrospectionCustomRule] : [limitFields];
  await app.register(mercurius, {
    schema,
    resolvers: resolvers(upstreams, verificationWith(config.VERIFICATION_KEY)),
    queryDepth: MAX_DEPTH,
    validationRules: rules,
    allowBatchedQueries: false,
    subscription: false,
    graphiql: false,
    context: ({ headers }): RequestFacts => ({
      authorization: headers.authorization,
      idempotencyKey: headers['idempotency-key']?.toString(),
    }),
    errorFormatter: (result, context) => {
      const requestId = context.reply?.request.id ?? '';
      const { statusCode, errors } = answerErrors(result.errors ?? [], requestId, log);
      return { statusCode, response: { data: result.data ?? null, errors: errors as never } };
    },
  });
  if (config.PROFILE === 'dev') {
    app.get('/graphiql', (_request, reply) => reply.type('text/html').send(consolePage));
  }
}
