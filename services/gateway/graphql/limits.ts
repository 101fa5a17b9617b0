import { GraphQLError, type ValidationRule } from 'graphql';

/** Deep enough for the introspection of tools. The schema itself is three deep. */
export const MAX_DEPTH = 9;
const MAX_ROOT_FIELDS = 10;
const MAX_FIELDS = 200;

/** Every root field is a call to a service: aliases must not turn one request into thousands of them. */
export const limitFields: ValidationRule = (context) => {
  const schema = context.getSchema();
  let roots = 0;
  let fields = 0;
  let reported = false;
  return {
    Field(node) {
      const parent = context.getParentType();
      if (parent === schema.getQueryType() || parent === schema.getMutationType()) roots += 1;
      fields += 1;
      if (reported || (roots <= MAX_ROOT_FIELDS && fields <= MAX_FIELDS)) return;
      reported = true;
      const message = `At most ${MAX_ROOT_FIELDS} root fields and ${MAX_FIELDS} fields may be asked for at once.`;
      context.reportError(new GraphQLError(message, { nodes: node }));
    },
  };
};
