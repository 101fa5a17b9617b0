import { RELEASE } from '@orderplane/contracts/release.ts';
import * as z from 'zod';
import { problemTable, type Problem } from '../problem.ts';
import { PREFIX } from './plugin.ts';
import type { Access, Route } from './route.ts';
import { named } from './schemas.ts';

type Json = Record<string, unknown>;

const ref = (id: string) => ({ $ref: `#/components/schemas/${id}` });
const json = (schema: unknown, type = 'application/json') => ({ content: { [type]: { schema } } });

const SECURITY: Readonly<Record<Access, Json>> = {
  public: { security: [] },
  user: {},
  // An order without an account, where the platform takes them.
  orderer: { security: [{ token: [] }, {}] },
  tracer: {},
};

/** The routes as an OpenAPI 3.1 document. */
export function openApi(routes: readonly Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = PREFIX + route.path.replaceAll(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Orderplane shop',
      version: RELEASE,
      description: 'Amounts are in the smallest unit of the currency. Every answer has the header x-request-id.',
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths,
    components: {
      schemas: { ...schemas(), Problem: problemSchema() },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

function operation(route: Route): Json {
  const { summary, tag, access, body, status, answer } = route;
  return {
    summary,
    tags: [tag],
    operationId: `${route.method.toLowerCase()}${route.path.replaceAll(/[/:](\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    ...SECURITY[access],
    parameters: [
      ...parameters('path', route.params),
      ...parameters('query', route.query),
      ...(route.repeatable === true ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(body ? { requestBody: { required: true, ...json(refTo(body)) } } : {}),
    responses: {
      [status]: { description: 'Done.', ...(answer ? json(refTo(answer)) : {}) },
      ...problems(route),
    },
  };
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key again answers what was made first, and makes nothing.',
  schema: { type: 'string', maxLength: 128 },
};

/** One answer a status, with the codes that it may have. */
function problems({ access, params, query, body, repeatable, fails = [] }: Route): Json {
  const hasInput = params ?? query ?? body ?? repeatable;
  const codes: readonly string[] = [
    ...(hasInput === undefined ? [] : ['BAD_USER_INPUT']),
    ...(body ? ['BAD_REQUEST', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] : []),
    ...(access === 'public' ? [] : ['UNAUTHENTICATED', 'FORBIDDEN']),
    ...fails,
    'RATE_LIMITED',
    'SERVICE_UNAVAILABLE',
    'TIMEOUT',
  ];
  const known = problemTable().filter(({ code }) => codes.includes(code));
  return Object.fromEntries(
    [...Map.groupBy(known, ({ status }) => status)].map(([status, group]) => [
      status,
      {
        description: group.map(({ code, title }) => `${code}: ${title}`).join(' '),
        ...json(ref('Problem'), 'application/problem+json'),
      },
    ]),
  );
}

function parameters(place: 'path' | 'query', schema: z.ZodObject | undefined): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = jsonSchema(schema) as { properties?: Json; required?: string[] };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }));
}

function schemas(): Json {
  const { schemas: all } = z.toJSONSchema(named, { uri: (id) => `#/components/schemas/${id}`, io: 'input' });
  return Object.fromEntries(Object.entries(all).map(([id, schema]) => [id, bare(schema)]));
}

function refTo(schema: z.ZodType): Json {
  const id = named.get(schema)?.id;
  if (id === undefined) throw new Error('a body or an answer has no name in schemas.ts');
  return ref(id);
}

function jsonSchema(schema: z.ZodType): Json {
  return bare(z.toJSONSchema(schema, { io: 'input' }));
}

/** Without what says of a schema by itself what the document says of all. */
function bare(schema: object): Json {
  const alone = new Set(['$schema', '$id']);
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !alone.has(name)));
}

function problemSchema(): Json {
  const text = { type: 'string' };
  const properties: Record<keyof Problem, Json> = {
    type: text,
    title: text,
    status: { type: 'integer' },
    detail: text,
    code: { type: 'string', enum: problemTable().map(({ code }) => code) },
    requestId: text,
    field: { type: 'string', description: 'What of the input is wrong.' },
    service: { type: 'string', description: 'The service that is away.' },
  };
  const required = ['type', 'title', 'status', 'detail', 'code', 'requestId'];
  return { type: 'object', properties, required };
}
