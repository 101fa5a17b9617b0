/** The declarative steps of a MongoDB migration: what a file may say, and what each means in words. Each can be repeated. */
import { createHash } from 'node:crypto';
import { BSON, type Document as BsonDocument } from 'mongodb';
import { isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { JobError, messageOf } from '../failures.ts';
import type { SourceText } from './source.ts';

const collection = z
  .string()
  .min(1)
  .max(120)
  .regex(/^[^$\0]+$/, 'must not contain $')
  .refine((name) => !name.startsWith('system.'), 'must not start with system.: those are the server’s own')
  .refine(
    (name) => !name.startsWith('orderplane_'),
    'must not start with orderplane_: the ledger and its lock are there',
  );
const field = z
  .string()
  .min(1)
  .refine(
    (path) => path.split('.').every((part) => part !== '' && !part.startsWith('$')),
    'must be a field, or a path of fields',
  );
const indexName = z.string().min(1).max(120);

/** Extended JSON: `{$date: …}`, `{$oid: …}` and `{$numberLong: …}` stand for what JSON lacks. */
const extended = z.record(z.string(), z.json()).superRefine((value, context) => {
  try {
    fromExtended(value);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is no extended JSON: ${messageOf(error)}` });
  }
});

const collation = z.strictObject({
  locale: z.string().min(1),
  strength: z.int().min(1).max(5).optional(),
  caseLevel: z.boolean().optional(),
  numericOrdering: z.boolean().optional(),
});

const validation = {
  validationLevel: z.enum(['off', 'strict', 'moderate']).optional(),
  validationAction: z.enum(['error', 'warn']).optional(),
};

/** Operators that give the same document when they are applied again: a step may run twice, after a kill between it and the ledger. */
const REPEATABLE_OPERATORS = ['$set', '$unset', '$min', '$max', '$addToSet', '$pull'];
const update = extended
  .refine(
    (value) => Object.keys(value).length > 0 && Object.keys(value).every((key) => REPEATABLE_OPERATORS.includes(key)),
    `must consist of operators that can be repeated: ${REPEATABLE_OPERATORS.join(', ')} (renameField renames)`,
  )
  .refine(
    (value) =>
      Object.values(value).every((change) => typeof change === 'object' && change !== null && !Array.isArray(change)),
    'must map each operator to fields',
  )
  .refine(
    (value) => Object.values(value).every((change) => Object.keys(change ?? {}).every(hasNoPosition)),
    'must not address an array by what the filter matched ($, $[name]): repeated, that is another element; $[] is all of them',
  );

function hasNoPosition(path: string): boolean {
  return path.split('.').every((part) => part === '$[]' || !part.startsWith('$'));
}

const STEPS = {
  createCollection: z
    .strictObject({
      collection,
      validator: extended.optional(),
      ...validation,
      collation: collation.optional(),
      capped: z.strictObject({ size: z.int().positive(), max: z.int().positive().optional() }).optional(),
    })
    .refine((step) => step.validator || !(step.validationLevel || step.validationAction), 'needs a validator for that'),
  dropCollection: z.strictObject({ collection }),
  renameCollection: z.strictObject({ from: collection, to: collection }).refine(...changesName()),
  setValidator: z.strictObject({ collection, validator: extended, ...validation }),
  createIndex: z.strictObject({
    collection,
    name: indexName,
    keys: z
      .record(field, z.union([z.literal(1), z.literal(-1), z.enum(['text', 'hashed', '2dsphere'])]))
      .refine((keys) => Object.keys(keys).length > 0, 'must name at least one field'),
    unique: z.boolean().default(false),
    sparse: z.boolean().default(false),
    partialFilterExpression: extended.optional(),
    expireAfterSeconds: z.int().min(0).max(2_147_483_647).optional(),
    collation: collation.optional(),
  }),
  dropIndex: z.strictObject({ collection, name: indexName.refine((name) => name !== '_id_', 'cannot be dropped') }),
  renameField: z.strictObject({ collection, from: field, to: field }).refine(...changesName()),
  updateMany: z.strictObject({ collection, filter: extended, update }),
} as const;
type StepKind = keyof typeof STEPS;

function changesName(): [(step: { from: string; to: string }) => boolean, string] {
  return [({ from, to }) => from !== to, 'must rename to another name'];
}

const step = z
  .strictObject(STEPS)
  .partial()
  .refine((value) => Object.values(value).filter(Boolean).length === 1, {
    message: `must be exactly one of ${Object.keys(STEPS).join(', ')}`,
  });
const migration = z.strictObject({ steps: z.array(step).min(1) });

/** One step of a MongoDB migration, told apart by `kind`. */
export type MongoStep = { [K in StepKind]: { kind: K; line: number } & z.infer<(typeof STEPS)[K]> }[StepKind];
export type StepOf<K extends StepKind> = Extract<MongoStep, { kind: K }>;

/** What extended JSON stands for. */
export function fromExtended(value: object): BsonDocument {
  return BSON.EJSON.deserialize(value as BsonDocument) as BsonDocument;
}

/** A step in words, such as `createIndex orders.by_state`: for the ledger, findings and errors. */
export function describeStep(step: MongoStep): string {
  switch (step.kind) {
    case 'renameCollection':
      return `${step.kind} ${step.from} to ${step.to}`;
    case 'renameField':
      return `${step.kind} ${step.collection}.${step.from} to ${step.to}`;
    case 'createIndex':
    case 'dropIndex':
      return `${step.kind} ${step.collection}.${step.name}`;
    default:
      return `${step.kind} ${step.collection}`;
  }
}

/** The collection that a step changes or makes. */
export function collectionOf(step: MongoStep): string {
  return step.kind === 'renameCollection' ? step.from : step.collection;
}

/** Of what a step says, wherever in its file it stands and however that is laid out. */
export function stepChecksum(step: MongoStep): string {
  const content = JSON.stringify({ ...step, line: undefined });
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

/** Parses a file of declarative steps; what is wrong is told with file and line, all of it at once. */
export function parseMongoSteps(file: SourceText): MongoStep[] {
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines });
  const fail = (problems: string[]): never => {
    throw new JobError('InvalidSource', problems.join('; '));
  };
  if (document.errors.length > 0) {
    fail(
      document.errors.map(
        (error) => `${file.file}:${lines.linePos(error.pos[0]).line}: ${error.message.split('\n')[0]}`,
      ),
    );
  }
  const parsed = migration.safeParse(document.toJS());
  if (!parsed.success) {
    return fail(
      parsed.error.issues.map((issue) => {
        const where = issue.path.join('.');
        return `${file.file}:${lineOf(document, lines, issue.path)}: ${where ? `${where}: ` : ''}${issue.message}`;
      }),
    );
  }
  return parsed.data.steps.map((value, i) => {
    const [kind, body] = Object.entries(value).find(([, content]) => content !== undefined) as [StepKind, object];
    return { kind, line: lineOf(document, lines, ['steps', i]), ...body } as MongoStep;
  });
}

/** The line of the nearest node of a path that is there. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
