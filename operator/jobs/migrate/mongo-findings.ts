/** What a policy should know of steps: what they destroy, and what a release before them stumbles over. */
import type { Db } from 'mongodb';
import type { PlanFinding } from '../contract.ts';
import { collectionNames, readDocuments } from './mongo-ledger.ts';
import { indexesOf } from './mongo-perform.ts';
import { describeStep, parseMongoSteps, type MongoStep } from './mongo-steps.ts';
import type { SourceText } from './source.ts';

/** A rule of docs/migrations.md that a step falls under. */
interface Verdict {
  rule: string;
  severity: PlanFinding['severity'];
}

/** What is known of the database at the moment before a step: what it has, and what the steps before it will have made. */
export interface Outlook {
  /** Whether documents of people's may be in a collection. */
  hasDocuments(collection: string): boolean;
  isUnique(collection: string, index: string): boolean;
}

/** The findings of texts that are to run in this order. Reads the database: whether an index is unique, it knows best. */
export async function findingsOf(
  db: Db,
  texts: readonly SourceText[],
  begun: readonly SourceText[],
): Promise<PlanFinding[]> {
  const existing = new Set(await collectionNames(db));
  for (const name of await unusedCollections(db, begun)) existing.delete(name);
  const unique = new Set<string>();
  const steps = texts.flatMap((text) => parseMongoSteps(text));
  for (const collection of new Set(steps.flatMap((step) => (step.kind === 'dropIndex' ? [step.collection] : [])))) {
    const indexes = await indexesOf(db, collection);
    for (const index of indexes) if (index.unique) unique.add(keyOf(collection, index.name as string));
  }
  const present: Outlook = {
    hasDocuments: (collection) => existing.has(collection),
    isUnique: (collection, index) => unique.has(keyOf(collection, index)),
  };
  return findingsIn(texts, present);
}

/** The findings of texts that are to run in this order on a database that is like this. */
export function findingsIn(texts: readonly SourceText[], present: Outlook): PlanFinding[] {
  /** What the steps before will have made of it. */
  const renamed = new Map<string, boolean>();
  const unique = new Set<string>();
  const outlook: Outlook = {
    hasDocuments: (collection) => renamed.get(collection) ?? present.hasDocuments(collection),
    isUnique: (collection, index) => unique.has(keyOf(collection, index)) || present.isUnique(collection, index),
  };
  return texts.flatMap((text) =>
    parseMongoSteps(text).flatMap((step) => {
      const found = verdictsOn(step, outlook).map((verdict) => ({
        file: text.file,
        line: step.line,
        ...verdict,
        statement: describeStep(step),
      }));
      if (step.kind === 'createIndex' && step.unique) unique.add(keyOf(step.collection, step.name));
      if (step.kind === 'renameCollection' && outlook.hasDocuments(step.from)) {
        renamed.set(step.from, false);
        renamed.set(step.to, true);
      }
      return found;
    }),
  );
}

/** What was made by runs that did not come to their end. */
async function unusedCollections(db: Db, begun: readonly SourceText[]): Promise<string[]> {
  const checksums = new Set(begun.map(({ checksum }) => checksum));
  const documents = (await readDocuments(db)) ?? [];
  return documents
    .filter(({ state, checksum }) => state === 'dirty' || checksums.has(checksum))
    .flatMap(({ made = [] }) => made);
}

/** What is wrong with one step. A collection that no document is in yet loses nothing. */
export function verdictsOn(step: MongoStep, { hasDocuments, isUnique }: Outlook): Verdict[] {
  const destroys = (rule: string): Verdict => ({ rule, severity: 'Destructive' });
  switch (step.kind) {
    case 'dropCollection':
      return hasDocuments(step.collection) ? [destroys('drop-collection')] : [];
    case 'dropIndex':
      return isUnique(step.collection, step.name) ? [destroys('drop-unique-index')] : [];
    case 'renameCollection':
      return hasDocuments(step.from) ? [destroys('rename')] : [];
    case 'renameField':
      return hasDocuments(step.collection) ? [destroys('rename')] : [];
    case 'createIndex':
      return step.expireAfterSeconds !== undefined && hasDocuments(step.collection) ? [destroys('ttl-index')] : [];
    case 'updateMany':
      if (!hasDocuments(step.collection)) return [];
      return [
        ...('$unset' in step.update ? [destroys('unset-field')] : []),
        ...('$pull' in step.update ? [destroys('pull-elements')] : []),
        ...(Object.keys(step.filter).length === 0 ? [destroys('update-all')] : []),
      ];
    case 'createCollection':
    case 'setValidator':
      return [];
  }
}

const keyOf = (collection: string, index: string): string => `${collection}\0${index}`;
