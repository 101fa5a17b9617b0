import { z } from 'zod';

/**
 * A value without what its schema fills in by itself. What a user asked for stays the same when a newer schema has more defaults,
 * and so does a hash of it.
 */
export function withoutDefaults(schema: z.ZodType, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (schema instanceof z.ZodOptional) return withoutDefaults(schema.unwrap() as z.ZodType, value);
  if (schema instanceof z.ZodDefault) {
    const inner = schema.unwrap() as z.ZodType;
    const asked = withoutDefaults(inner, value);
    const filledIn = withoutDefaults(inner, schema.def.defaultValue);
    return JSON.stringify(asked) === JSON.stringify(filledIn) ? undefined : asked;
  }
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((item) => withoutDefaults(schema.element as z.ZodType, item));
  }
  if (schema instanceof z.ZodObject && typeof value === 'object' && value !== null) {
    const shape = schema.shape as Record<string, z.ZodType>;
    const fields = Object.entries(value).map(([name, field]) => [
      name,
      shape[name] ? withoutDefaults(shape[name], field) : field,
    ]);
    return Object.fromEntries(fields.filter(([, field]) => field !== undefined));
  }
  return value;
}
