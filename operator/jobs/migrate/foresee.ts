import type { Engine, PlanFinding } from '../contract.ts';
import type { SourceText } from './source.ts';
import type { Catalog } from './sql/catalog.ts';

/** A database that nobody asked: everything that can be lost is there, and functions are Postgres's own. */
const UNSEEN: Catalog = {
  isAbsent: () => false,
  column: () => undefined,
  isNeverNull: () => false,
  routine: () => ({ isVolatile: false, isBuiltIn: true }),
};

/**
 * What the rules find in texts that are to run in this order, without a look at the database: more than a Job may find, which asks it.
 * @param isNew whether the database has nothing yet, and so nothing to lose
 * @throws JobError by file and line, for what could not run at all
 */
export async function foreseeFindings(
  engine: Engine,
  texts: readonly SourceText[],
  isNew: boolean,
): Promise<PlanFinding[]> {
  if (engine === 'mongo') {
    const { findingsIn } = await import('./mongo-findings.ts');
    return findingsIn(texts, { hasDocuments: () => !isNew, isUnique: () => !isNew });
  }
  const [{ classify }, { parseSql }] = await Promise.all([import('./sql/classify.ts'), import('./sql/parse.ts')]);
  const files = [];
  for (const file of texts) files.push({ file, statements: await parseSql(file) });
  return classify(files, { ...UNSEEN, isAbsent: () => isNew });
}
