import {
  buildSchema,
  type DocumentNode,
  execute,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  isObjectType,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { excessOf, MAX_TOKENS } from './limits.ts';
import type { RequestFacts, Resolvers } from './resolvers.ts';

/** Most clients ask the same few questions: each is parsed and validated once. */
const KEPT_DOCUMENTS = 200;
const KEPT_LENGTH = 4000;

export interface GraphQLRequest {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly operationName?: string | null | undefined;
}

export type Ask = (request: GraphQLRequest, facts: RequestFacts) => Promise<ExecutionResult>;

/** Throws when a resolver is for a field that the schema does not have: a mistake in the program. */
export function executable(source: string, resolvers: Resolvers): GraphQLSchema {
  const schema = buildSchema(source);
  for (const [typeName, fields] of Object.entries(resolvers)) {
    const type = schema.getType(typeName);
    for (const [name, resolve] of Object.entries(fields)) {
      const field = isObjectType(type) ? type.getFields()[name] : undefined;
      if (!field) throw new Error(`the schema has no ${typeName}.${name}`);
      field.resolve = resolve as unknown as NonNullable<typeof field.resolve>;
    }
  }
  return schema;
}

export function graphqlOn(schema: GraphQLSchema, { introspection }: { introspection: boolean }): Ask {
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];
  const known = new Map<string, DocumentNode>();
  const documentOf = (query: string): DocumentNode | readonly GraphQLError[] => {
    const kept = known.get(query);
    if (kept) return kept;
    const document = parse(query, { maxTokens: MAX_TOKENS });
    const errors = validate(schema, document, rules, { maxErrors: 10 });
    if (errors.length > 0) return errors;
    const excess = excessOf(document, schema);
    if (excess !== undefined) return [new GraphQLError(excess)];
    if (query.length <= KEPT_LENGTH) {
      known.set(query, document);
      if (known.size > KEPT_DOCUMENTS) known.delete(known.keys().next().value as string);
    }
    return document;
  };
  return async ({ query, variables, operationName }, contextValue) => {
    try {
      const document = documentOf(query);
      if (!('kind' in document)) return { errors: document };
      const variableValues = variables ?? {};
      return await execute({ schema, document, contextValue, variableValues, operationName: operationName ?? null });
    } catch (error) {
      if (error instanceof GraphQLError) return { errors: [error] };
      // The stack of the parser or a rule, whichever ended first.
      if (error instanceof RangeError) return { errors: [new GraphQLError('The query nests too deeply.')] };
      throw error;
    }
  };
}
