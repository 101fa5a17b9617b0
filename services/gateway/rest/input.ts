import { badInput, CodedError } from '@orderplane/shared/errors.ts';
import type * as z from 'zod';

/** The input as its schema has it. Throws BAD_USER_INPUT that names the first field that is wrong. */
export function parsed<S extends z.ZodType>(schema: S | undefined, input: unknown, name?: string): z.infer<S> {
  const result = schema?.safeParse(input ?? undefined);
  if (!result) return {} as z.infer<S>;
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])];
  const field = name ?? pathText(path);
  const what = unknown === undefined ? lowerFirst(issue?.message ?? 'not valid') : 'unknown field';
  if (field === '') throw new CodedError('BAD_USER_INPUT', { message: `The input is not valid: ${what}.` });
  throw badInput(field, `${field}: ${what}.`);
}

/** `lines[0].qty`. What a client sent is cut, and shown without what no log can keep. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`))
    .join('')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 100);
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/** An optional field of a message is set by being there, even when it is undefined. */
export function definedOnly<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
