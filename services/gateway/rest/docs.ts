import type { FastifyInstance } from 'fastify';
import { refuseOtherMethods } from '../http.ts';
import { problemTable } from '../problem.ts';
import { sendPage } from '../security-headers.ts';
import { docsPage } from './docs-page.ts';
import { openApi } from './openapi.ts';
import type { Route } from './route.ts';

/** The API's documentation: a page at /docs, OpenAPI at /docs/json. Both are made when they are first asked for. */
export function serveDocs(app: FastifyInstance, routes: readonly Route[]): void {
  let document: string | undefined;
  app.get('/docs/json', (_request, reply) => {
    document ??= JSON.stringify(openApi(routes));
    return reply.type('application/json').send(document);
  });
  app.get('/docs', (_request, reply) => sendPage(reply, docsPage(problemTable())));
  for (const url of ['/docs', '/docs/json']) refuseOtherMethods(app, url, ['GET']);
}
