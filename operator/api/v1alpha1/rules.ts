import { z } from 'zod';

/** A rule in its two forms: for the API server (CEL) and for whoever parses the object outside of it. */
export interface Rule<T> {
  /** CEL over `self`; with `oldSelf` it is checked on updates only, by the API server alone. */
  cel: string;
  /** What is wrong and what to do, as `kubectl apply` prints it. */
  message: string;
  /** The same in TypeScript; left out for rules on updates. */
  holds?: (value: T) => boolean;
}

const VALIDATIONS = 'x-kubernetes-validations';

/** The schema with rules that span fields. Keeps the description that the schema has. */
export function withRules<S extends z.ZodType>(schema: S, rules: readonly Rule<z.output<S>>[]): S {
  const { id: _, ...meta } = schema.meta() ?? {};
  let checked: S = schema;
  for (const { holds, message } of rules) {
    if (holds) checked = checked.refine(holds, { message }) as S;
  }
  const before = (meta[VALIDATIONS] as { rule: string; message: string }[] | undefined) ?? [];
  const validations = [...before, ...rules.map(({ cel, message }) => ({ rule: cel, message }))];
  return checked.meta({ ...meta, [VALIDATIONS]: validations }) as S;
}

/** An object that has exactly one of the named fields: how this API says "one of". */
export function exactlyOne<S extends z.ZodType>(schema: S, fields: readonly string[], message: string): S {
  return withRules(schema, [
    {
      cel: `[${fields.map((field) => `has(self.${field})`).join(', ')}].filter(given, given).size() == 1`,
      message,
      holds: (value) => fields.filter((field) => (value as Record<string, unknown>)[field] !== undefined).length === 1,
    },
  ]);
}

/** Names as a list in CEL. */
export function quoted(names: readonly string[]): string {
  return `[${names.map((name) => `'${name}'`).join(', ')}]`;
}

/** A field that keeps the value that it was created with. @param absent what it counts as where it is left out, in CEL */
export function unchanged(field: string, absent: string, message: string): Rule<unknown> {
  const valueIn = (object: string) => `(has(${object}.${field}) ? ${object}.${field} : ${absent})`;
  return { cel: `${valueIn('self')} == ${valueIn('oldSelf')}`, message };
}

/** A list that server-side apply merges by the given field; the API server refuses duplicates of it. */
export function listMap<S extends z.ZodArray>(schema: S, key: string): S {
  const unique = schema.refine(
    (items) => new Set(items.map((item) => (item as Record<string, unknown>)[key])).size === items.length,
    { message: `must not list the same ${key} twice` },
  );
  return unique.meta({
    ...schema.meta(),
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': [key],
  }) as S;
}
