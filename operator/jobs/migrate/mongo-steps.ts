import { isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { JobError } from '../failures.ts';
import type { SourceText } from './source.ts';

const collection = z.string().min(1).max(120);
const field = z.string().min(1);

/** Operators that give the same document when they are applied again: a step may run twice, after a kill between it and the ledger. */
const REPEATABLE_OPERATORS = ['$set', '$unset', '$rename', '$min', '$max', '$addToSet', '$pull'];
const update = z
  .record(z.string(), z.record(z.string(), z.json()))
  .refine(
    (value) => Object.keys(value).length > 0 && Object.keys(value).every((key) => REPEATABLE_OPERATORS.includes(key)),
    `must consist of operators that can be repeated: ${REPEATABLE_OPERATORS.join(', ')}`,
  );

const STEPS = {
  createCollection: z.strictObject({ collection }),
  createIndex: z.strictObject({
    collection,
    name: z.string().min(1).max(120),
    keys: z
      .record(field, z.union([z.literal(1), z.literal(-1)]))
      .refine((keys) => Object.keys(keys).length > 0, 'must name at least one field'),
    unique: z.boolean().default(false),
  }),
  dropIndex: z.strictObject({ collection, name: z.string().min(1) }),
  renameField: z.strictObject({ collection, from: field, to: field }),
  updateMany: z.strictObject({ collection, filter: z.record(z.string(), z.json()), update }),
} as const;
type StepKind = keyof typeof STEPS;

const step = z
  .strictObject({
    createCollection: STEPS.createCollection.optional(),
    createIndex: STEPS.createIndex.optional(),
    dropIndex: STEPS.dropIndex.optional(),
    renameField: STEPS.renameField.optional(),
    updateMany: STEPS.updateMany.optional(),
  })
  .refine((value) => Object.values(value).filter(Boolean).length === 1, {
    message: `must be exactly one of ${Object.keys(STEPS).join(', ')}`,
  });
const migration = z.strictObject({ steps: z.array(step).min(1) });

/** One step of a MongoDB migration, told apart by `kind`. */
export type MongoStep = { [K in StepKind]: { kind: K; line: number } & z.infer<(typeof STEPS)[K]> }[StepKind];

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
