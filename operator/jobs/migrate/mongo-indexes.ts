/** Whether an index, or a collection, that is there already is the one that a step asks for. */
import { BSON, type Document } from 'mongodb';
import { fromExtended, type StepOf } from './mongo-steps.ts';

/** The definition of an index as `createIndexes` wants it. */
export function indexDefinition(step: StepOf<'createIndex'>): Document {
  return {
    key: step.keys,
    name: step.name,
    ...(step.unique && { unique: true }),
    ...(step.sparse && { sparse: true }),
    ...(step.partialFilterExpression && { partialFilterExpression: fromExtended(step.partialFilterExpression) }),
    ...(step.expireAfterSeconds !== undefined && { expireAfterSeconds: step.expireAfterSeconds }),
    ...(step.collation && { collation: step.collation }),
  };
}

/** How an index of the step's name differs from what the step asks for, in words; undefined when it does not. */
export function indexDifference(step: StepOf<'createIndex'>, existing: Document): string | undefined {
  const asked = indexDefinition(step);
  return firstDifference([
    ['keys', keysOf(asked), keysOf(existing)],
    ['unique', asked.unique ?? false, existing.unique ?? false],
    ['sparse', asked.sparse ?? false, existing.sparse ?? false],
    ['partialFilterExpression', asked.partialFilterExpression, existing.partialFilterExpression],
    ['expireAfterSeconds', asked.expireAfterSeconds, existing.expireAfterSeconds],
    ['collation', asked.collation, sharedPart(asked.collation, existing.collation)],
  ]);
}

/** The options of a collection as `create` wants them. */
export function collectionOptions(step: StepOf<'createCollection'>): Document {
  return {
    ...(step.capped && { capped: true, ...step.capped }),
    ...(step.collation && { collation: step.collation }),
    ...(step.validator && { validator: fromExtended(step.validator) }),
    ...(step.validationLevel && { validationLevel: step.validationLevel }),
    ...(step.validationAction && { validationAction: step.validationAction }),
  };
}

/** The same for a collection, as `listCollections` tells of it. */
export function collectionDifference(step: StepOf<'createCollection'>, existing: Document): string | undefined {
  if (existing.type !== undefined && existing.type !== 'collection') return `it is a ${existing.type}`;
  const options = existing.options as Document;
  const asked = collectionOptions(step);
  return firstDifference([
    ['capped', asked.capped ?? false, options.capped ?? false],
    ['capped.size', asked.size && roundedSize(asked.size), options.size && roundedSize(options.size)],
    ['capped.max', asked.max, options.max],
    ['collation', asked.collation, sharedPart(asked.collation, options.collation)],
    ['validator', asked.validator, options.validator],
    ['validationLevel', asked.validationLevel, asked.validationLevel && options.validationLevel],
    ['validationAction', asked.validationAction, asked.validationAction && options.validationAction],
  ]);
}

/** The server keeps a text index under `_fts`, and its fields as weights. */
function keysOf({ key, weights }: Document): string {
  const entries = Object.entries(key as Document).filter(([, kind]) => kind !== 'text');
  const asked = Object.entries(key as Document).filter(([, kind]) => kind === 'text');
  const text = asked.some(([name]) => name === '_fts')
    ? Object.keys((weights ?? {}) as Document)
    : asked.map(([name]) => name);
  const others = entries
    .filter(([name]) => !(text.length > 0 && name === '_ftsx'))
    .map(([name, kind]) => `${name}: ${kind}`);
  return `{ ${[...others, ...text.sort().map((name) => `${name}: text`)].join(', ')} }`;
}

/** The server adds defaults to a collation: only what was asked for is compared. */
function sharedPart(asked: Document | undefined, existing: Document | undefined): Document | undefined {
  if (!asked || !existing) return existing;
  return Object.fromEntries(Object.keys(asked).map((name) => [name, existing[name]]));
}

/** It rounds the size of a capped collection up to 256 bytes. */
const roundedSize = (bytes: number): number => Math.ceil(bytes / 256) * 256;

function firstDifference(facts: readonly (readonly [string, unknown, unknown])[]): string | undefined {
  for (const [what, asked, existing] of facts) {
    const [wanted, found] = [shown(asked), shown(existing)];
    if (wanted !== found) return `its ${what} is ${found}, not ${wanted}`;
  }
  return undefined;
}

function shown(value: unknown): string {
  if (value === undefined) return 'not set';
  return typeof value === 'string' ? value : BSON.EJSON.stringify(sorted(value), { relaxed: true });
}

/** Two documents that say the same in another order are the same, but for the keys of an index. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, content]) => [name, sorted(content)]),
  );
}
