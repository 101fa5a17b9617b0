import type { PlanFinding } from '../../contract.ts';
import type { SourceText } from '../source.ts';
import type { Catalog, CatalogNames } from './catalog.ts';
import { createFacts, runsWhatItExplains, type Facts } from './facts.ts';
import { nameOf, unqualified, walk, type Nodes, type RangeVar } from './nodes.ts';
import { firstLine, type SqlStatement } from './parse.ts';
import { ACCESS_RULES } from './rules/access.ts';
import { CHANGE_RULES } from './rules/change.ts';
import { CODE_RULES } from './rules/code.ts';
import { DROP_RULES } from './rules/drop.ts';
import { LOCK_RULES } from './rules/lock.ts';
import { ROW_RULES } from './rules/rows.ts';
import type { Rule, Scene } from './rules/rule.ts';
import { KNOWN_STATEMENTS } from './statements.ts';

export const RULES: readonly Rule[] = [
  ...DROP_RULES,
  ...ROW_RULES,
  ...CHANGE_RULES,
  ...LOCK_RULES,
  ...ACCESS_RULES,
  ...CODE_RULES,
];

/** What no rule knows is a statement of a Postgres newer than this list. */
export const UNKNOWN_STATEMENT = 'unknown-statement';

export interface ParsedFile {
  file: SourceText;
  statements: readonly SqlStatement[];
  /** Applied already, by a run that did not come to its end: only what it made counts. */
  wasApplied?: boolean;
}

/** Statements whose expressions and nested statements are carried out; of others (`CREATE FUNCTION`, `CREATE VIEW`) only kept. */
const CARRIED_OUT = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'CreateTableAsStmt',
  'CopyStmt',
  'PrepareStmt',
  'DeclareCursorStmt',
  'CreateSchemaStmt',
  'AlterTableStmt',
]);
/** Parts of an ALTER TABLE whose expressions are computed for the rows that are there. */
const COMPUTED = new Set(['AT_AddColumn', 'AT_AlterColumnType']);

/** The names that the catalog is to be asked about. */
export function namesIn(files: readonly ParsedFile[]): CatalogNames {
  const tables = new Set<string>();
  const routines = new Set<string>();
  for (const { node } of files.flatMap(({ statements }) => statements)) {
    walk(node, (kind, part) => {
      if (kind === 'FuncCall')
        routines.add(unqualified((part as Nodes['FuncCall']).funcname?.at(-1)?.String?.sval ?? ''));
      if (kind === 'AlterTableStmt' || kind === 'CreateStmt') tables.add(nameOf(part.relation as RangeVar));
      if (kind === 'CreateTableAsStmt') {
        const { into } = part as Nodes['CreateTableAsStmt'];
        if (into?.rel) tables.add(nameOf(into.rel));
      }
      if (kind === 'DropStmt') for (const name of droppedNames(part as Nodes['DropStmt'])) tables.add(name);
      return 'into';
    });
  }
  return { tables, routines };
}

const droppedNames = ({ objects = [] }: Nodes['DropStmt']): string[] =>
  objects.map(({ List: list }) => `public.${list?.items?.at(-1)?.String?.sval ?? ''}`);

/** What the author of these files should have meant, in their order: each with its line, and the rule that found it. */
export function classify(files: readonly ParsedFile[], catalog: Catalog): PlanFinding[] {
  const facts = createFacts(catalog);
  return files.flatMap(({ file, statements, wasApplied = false }) => {
    facts.begin(statements.map(({ node }) => node));
    return statements.flatMap((statement) => {
      const findings = wasApplied ? [] : findingsIn(statement, file.file, facts);
      facts.learn(statement.node, wasApplied);
      return findings;
    });
  });
}

function findingsIn(statement: SqlStatement, file: string, facts: Facts): PlanFinding[] {
  const findings = new Map<string, PlanFinding>();
  const report = (rule: string, severity: PlanFinding['severity'], line: number): void => {
    if (!findings.has(`${rule}:${line}`)) {
      findings.set(`${rule}:${line}`, { file, line, rule, severity, statement: firstLine(statement.text) });
    }
  };
  const scene: Scene = { facts, table: undefined };
  const [outermost = ''] = Object.keys(statement.node);
  if (!KNOWN_STATEMENTS.has(outermost)) report(UNKNOWN_STATEMENT, 'Undecidable', statement.line);
  walk(statement.node, (kind, node) => {
    if (kind === 'AlterTableStmt') scene.table = node.relation as RangeVar;
    const isOutermost = kind === outermost || kind === 'AlterTableCmd';
    for (const rule of RULES) {
      if (rule.on !== kind || !applies(rule, node, scene)) continue;
      report(rule.id, rule.severity, isOutermost ? statement.line : statement.lineOf(locationOf(node)));
    }
    return isCarriedOut(kind, node) ? 'into' : 'past';
  });
  return [...findings.values()];
}

const applies = (rule: Rule, node: unknown, scene: Scene): boolean =>
  (rule.applies as (node: unknown, scene: Scene) => boolean)(node, scene);

function isCarriedOut(kind: string, node: Record<string, unknown>): boolean {
  if (kind === 'AlterTableCmd') return COMPUTED.has((node as Nodes['AlterTableCmd']).subtype);
  if (kind === 'ExplainStmt') return runsWhatItExplains(node as Nodes['ExplainStmt']);
  return CARRIED_OUT.has(kind) || !kind.endsWith('Stmt');
}

function locationOf(node: Record<string, unknown>): number | undefined {
  return (node.location ?? (node.relation as RangeVar | undefined)?.location) as number | undefined;
}
