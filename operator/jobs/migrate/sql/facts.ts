import type { Catalog } from './catalog.ts';
import {
  hasOption,
  listedName,
  nameOf,
  unqualified,
  type AnyNode,
  type Constraint,
  type Nodes,
  type RangeVar,
} from './nodes.ts';

/**
 * What the statements before one have made. Nobody uses yet what the same plan makes, so it can be dropped, rewritten and locked
 * without harm.
 */
export interface Facts {
  catalog: Catalog;
  /** Whether an object of a kind (`OBJECT_TABLE`) was made before. */
  isNew(kind: string, name: string): boolean;
  /** The same, but `CREATE TABLE IF NOT EXISTS` may have found one. */
  mayBeNew(kind: string, name: string): boolean;
  isNewColumn(table: string, column: string): boolean;
  /** Whether this file makes it, before or after: dropped to be made anew. */
  isMadeInFile(kind: string, name: string): boolean;
  isNeverNull(table: string, column: string): boolean;
  isPrepared(name: string): boolean;
  /** Volatility of a function that an earlier statement made; `undefined` for none. */
  madeRoutine(name: string): { isVolatile: boolean } | undefined;
  /** Takes note of a statement; `true` of one that was applied already. */
  learn(node: AnyNode, wasApplied: boolean): void;
  /** Begins a file of these statements. */
  begin(nodes: readonly AnyNode[]): void;
}

interface Made {
  kind: string;
  name: string;
  isCertain: boolean;
}

export function createFacts(catalog: Catalog): Facts {
  const made = new Map<string, boolean>();
  const columns = new Set<string>();
  const routines = new Map<string, { isVolatile: boolean }>();
  const prepared = new Set<string>();
  const notNullChecks = new Map<string, string>();
  const neverNull = new Set<string>();
  let inFile = new Set<string>();
  let isPathSet = false;
  const key = (kind: string, name: string): string => `${kind} ${name}`;
  const learnCommand = (table: string, { subtype, name = '', def }: Nodes['AlterTableCmd']): void => {
    if (subtype === 'AT_AddColumn') columns.add(`${table}.${def?.ColumnDef?.colname}`);
    const column = def?.Constraint && notNullColumn(def.Constraint);
    if (subtype === 'AT_AddConstraint' && column !== undefined) {
      notNullChecks.set(`${table}.${def?.Constraint?.conname}`, column);
      if (!def?.Constraint?.skip_validation) neverNull.add(`${table}.${column}`);
    }
    const checked = notNullChecks.get(`${table}.${name}`);
    if (subtype === 'AT_ValidateConstraint' && checked !== undefined) neverNull.add(`${table}.${checked}`);
  };
  return {
    catalog,
    isNew: (kind, name) => made.get(key(kind, name)) === true,
    mayBeNew: (kind, name) => made.has(key(kind, name)),
    isNewColumn: (table, column) => columns.has(`${table}.${column}`),
    isMadeInFile: (kind, name) => inFile.has(key(kind, name)),
    isNeverNull: (table, column) => neverNull.has(`${table}.${column}`) || catalog.isNeverNull(table, column),
    isPrepared: (name) => prepared.has(name),
    madeRoutine: (name) => routines.get(name),
    begin: (nodes) => {
      inFile = new Set(nodes.flatMap(madeBy).map(({ kind, name }) => key(kind, name)));
      prepared.clear();
      if (isPathSet) made.clear();
      isPathSet = false;
    },
    learn: (node, wasApplied) => {
      // From here on a name without a schema means something else than before.
      if (setsSearchPath(node)) {
        made.clear();
        isPathSet = true;
      }
      for (const { kind, name, isCertain } of madeBy(node)) {
        const isCertainlyNew =
          isCertain || (!wasApplied && kind === 'OBJECT_TABLE' && catalog.isAbsent(unqualified(name)));
        made.set(key(kind, name), isCertainlyNew || made.get(key(kind, name)) === true);
      }
      const { RenameStmt: rename, AlterTableStmt: alter, CreateFunctionStmt: routine, PrepareStmt: prepare } = node;
      if (rename?.renameType === 'OBJECT_TABLE' && rename.relation) {
        const known = made.get(key('OBJECT_TABLE', nameOf(rename.relation)));
        const renamed = nameOf({ ...rename.relation, relname: rename.newname ?? '' });
        if (known !== undefined) made.set(key('OBJECT_TABLE', renamed), known);
      }
      for (const { AlterTableCmd: command } of alter?.cmds ?? []) {
        if (command && alter) learnCommand(nameOf(alter.relation), command);
      }
      if (routine) {
        const isVolatile = !/"(stable|immutable)"/.test(JSON.stringify(optionOf(routine, 'volatility') ?? ''));
        const name = unqualified(listedName(routine.funcname));
        routines.set(name, { isVolatile: isVolatile || (routines.get(name)?.isVolatile ?? false) });
      }
      if (prepare?.name) prepared.add(prepare.name);
    },
  };
}

/** The column of `CHECK (column IS NOT NULL)`. */
function notNullColumn({ contype, raw_expr: expression }: Constraint): string | undefined {
  if (contype !== 'CONSTR_CHECK') return undefined;
  const test = expression?.NullTest as
    { nulltesttype?: string; arg?: { ColumnRef?: { fields?: Parameters<typeof listedName>[0] } } } | undefined;
  if (test?.nulltesttype !== 'IS_NOT_NULL') return undefined;
  return test.arg?.ColumnRef?.fields?.at(-1)?.String?.sval;
}

const optionOf = ({ options }: Nodes['CreateFunctionStmt'], name: string): unknown =>
  options?.find(({ DefElem }) => DefElem?.defname === name);

function setsSearchPath({ VariableSetStmt: set, SelectStmt: select }: AnyNode): boolean {
  return set?.name === 'search_path' || (select !== undefined && JSON.stringify(select).includes('"set_config"'));
}

/** What a statement makes. */
function madeBy(node: AnyNode): Made[] {
  const of = (kind: string, name: string | undefined, mayExist = false): Made[] =>
    name === undefined ? [] : [{ kind, name, isCertain: !mayExist }];
  const relation = (kind: string, range: RangeVar | undefined, mayExist?: boolean): Made[] =>
    of(kind, range && nameOf(range), mayExist);
  if (node.CreateStmt) return relation('OBJECT_TABLE', node.CreateStmt.relation, node.CreateStmt.if_not_exists);
  if (node.CreateTableAsStmt) {
    const { into, objtype = 'OBJECT_TABLE', if_not_exists: mayExist } = node.CreateTableAsStmt;
    return relation(objtype, into?.rel, mayExist);
  }
  if (node.SelectStmt) return relation('OBJECT_TABLE', node.SelectStmt.intoClause?.rel);
  if (node.ViewStmt) return relation('OBJECT_VIEW', node.ViewStmt.view);
  if (node.CreateSeqStmt)
    return relation('OBJECT_SEQUENCE', node.CreateSeqStmt.sequence, node.CreateSeqStmt.if_not_exists);
  if (node.CompositeTypeStmt) return relation('OBJECT_TYPE', node.CompositeTypeStmt.typevar);
  if (node.CreateEnumStmt) return of('OBJECT_TYPE', listedName(node.CreateEnumStmt.typeName));
  if (node.CreateRangeStmt) return of('OBJECT_TYPE', listedName(node.CreateRangeStmt.typeName));
  if (node.CreateDomainStmt) return of('OBJECT_DOMAIN', listedName(node.CreateDomainStmt.domainname));
  if (node.CreateSchemaStmt) {
    return of('OBJECT_SCHEMA', node.CreateSchemaStmt.schemaname, node.CreateSchemaStmt.if_not_exists);
  }
  if (node.CreateFunctionStmt) {
    const kind = node.CreateFunctionStmt.is_procedure ? 'OBJECT_PROCEDURE' : 'OBJECT_FUNCTION';
    return of(kind, listedName(node.CreateFunctionStmt.funcname));
  }
  if (node.AlterTableStmt) {
    const table = nameOf(node.AlterTableStmt.relation);
    return (node.AlterTableStmt.cmds ?? []).flatMap(({ AlterTableCmd: command }) =>
      command?.subtype === 'AT_AddConstraint' && command.def?.Constraint?.conname
        ? of('OBJECT_TABCONSTRAINT', `${table}.${command.def.Constraint.conname}`)
        : [],
    );
  }
  return [];
}

/** `EXPLAIN` runs its statement only with ANALYZE. */
export const runsWhatItExplains = ({ options }: Nodes['ExplainStmt']): boolean => hasOption(options, 'analyze');
