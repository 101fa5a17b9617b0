/** What Postgres's parser makes of SQL, as far as it is looked at: gram.y's nodes, with the names of parsenodes.h. */

export interface RangeVar {
  schemaname?: string;
  relname: string;
  relpersistence?: string;
  location?: number;
}
export interface Text {
  String?: { sval?: string };
}
export interface TypeName {
  names?: Text[];
  typmods?: { A_Const?: { ival?: { ival?: number } } }[];
  arrayBounds?: unknown[];
  setof?: boolean;
}
export interface Constraint {
  contype: string;
  conname?: string;
  indexname?: string;
  skip_validation?: boolean;
  generated_kind?: string;
  raw_expr?: AnyNode;
}
export interface ColumnDef {
  colname?: string;
  typeName?: TypeName;
  raw_default?: AnyNode;
  constraints?: { Constraint?: Constraint }[];
}
export interface Option {
  DefElem?: { defname: string; arg?: AnyNode };
}
type List = { List?: { items?: Text[] } };
type Behavior = 'DROP_RESTRICT' | 'DROP_CASCADE';

/** The nodes that rules look at, by their names. Every other node is only walked through. */
export interface Nodes {
  DropStmt: {
    removeType: string;
    objects?: (List & Text & { TypeName?: TypeName; ObjectWithArgs?: { objname?: Text[] } })[];
    behavior?: Behavior;
    concurrent?: boolean;
    missing_ok?: boolean;
  };
  DropOwnedStmt: object;
  ReassignOwnedStmt: object;
  TruncateStmt: { relations?: { RangeVar?: RangeVar }[] };
  DeleteStmt: { relation: RangeVar; whereClause?: AnyNode };
  UpdateStmt: { relation: RangeVar; whereClause?: AnyNode; targetList?: { ResTarget?: { name?: string } }[] };
  MergeStmt: {
    relation: RangeVar;
    mergeWhenClauses?: { MergeWhenClause?: { matchKind?: string; commandType?: string; condition?: AnyNode } }[];
  };
  AlterTableStmt: { relation: RangeVar; objtype?: string; cmds?: { AlterTableCmd?: Nodes['AlterTableCmd'] }[] };
  AlterTableCmd: {
    subtype: string;
    name?: string;
    def?: { ColumnDef?: ColumnDef; Constraint?: Constraint; PartitionCmd?: { concurrent?: boolean } };
    behavior?: Behavior;
  };
  AlterDomainStmt: { subtype?: string; behavior?: Behavior; def?: { Constraint?: Constraint } };
  RenameStmt: {
    renameType: string;
    relationType?: string;
    relation?: RangeVar;
    subname?: string;
    newname?: string;
  };
  AlterObjectSchemaStmt: { objectType?: string; relation?: RangeVar };
  AlterEnumStmt: { oldVal?: string; newVal?: string };
  AlterOwnerStmt: object;
  IndexStmt: {
    idxname?: string;
    relation: RangeVar;
    concurrent?: boolean;
    if_not_exists?: boolean;
  };
  ReindexStmt: { kind: string; relation?: RangeVar; name?: string; params?: Option[] };
  VacuumStmt: { is_vacuumcmd?: boolean; options?: Option[] };
  ClusterStmt: { relation?: RangeVar };
  LockStmt: object;
  RefreshMatViewStmt: { relation: RangeVar; concurrent?: boolean; skipData?: boolean };
  GrantStmt: {
    is_grant?: boolean;
    objtype?: string;
    objects?: (List & { RangeVar?: RangeVar; ObjectWithArgs?: { objname?: Text[] } })[];
  };
  AlterDefaultPrivilegesStmt: { action?: { is_grant?: boolean } };
  GrantRoleStmt: object;
  CreateRoleStmt: object;
  AlterRoleStmt: object;
  AlterRoleSetStmt: object;
  DropRoleStmt: object;
  AlterSystemStmt: object;
  VariableSetStmt: { kind?: string; name?: string };
  CopyStmt: { is_program?: boolean; filename?: string; is_from?: boolean };
  DoStmt: object;
  CallStmt: object;
  PrepareStmt: { name?: string };
  ExecuteStmt: { name?: string };
  ExplainStmt: { options?: Option[] };
  LoadStmt: object;
  FuncCall: { funcname?: Text[]; args?: AnyNode[]; location?: number };
  CreateStmt: { relation: RangeVar; if_not_exists?: boolean };
  CreateTableAsStmt: { into?: { rel?: RangeVar }; objtype?: string; if_not_exists?: boolean };
  SelectStmt: { intoClause?: { rel?: RangeVar } };
  ViewStmt: { view: RangeVar };
  CreateFunctionStmt: { funcname?: Text[]; is_procedure?: boolean; options?: Option[] };
  CreateEnumStmt: { typeName?: Text[] };
  CreateRangeStmt: { typeName?: Text[] };
  CompositeTypeStmt: { typevar?: RangeVar };
  CreateDomainStmt: { domainname?: Text[] };
  CreateSeqStmt: { sequence: RangeVar; if_not_exists?: boolean };
  CreateSchemaStmt: { schemaname?: string; if_not_exists?: boolean };
  TransactionStmt: { kind: string };
  CreatedbStmt: object;
  DropdbStmt: object;
  CreateTableSpaceStmt: object;
  DropTableSpaceStmt: object;
}
export type NodeKind = keyof Nodes;

/** A node in its wrapper, which names its kind: `{"DropStmt": {…}}`. */
export type AnyNode = { [K in NodeKind]?: Nodes[K] } & Record<string, unknown>;

/** `schema.name`; what names no schema is taken to be in `public`. */
export function nameOf({ schemaname, relname }: RangeVar): string {
  return `${schemaname ?? 'public'}.${relname}`;
}

/** The same of a list of name parts. */
export function listedName(parts: readonly Text[] = []): string {
  const [name = '', schema = 'public'] = parts.map((part) => part.String?.sval ?? '').toReversed();
  return `${schema}.${name}`;
}

/** A name without its schema. */
export const unqualified = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/** Whether an option is on: `VACUUM FULL`, `(FULL)`, `(FULL true)`. */
export function hasOption(options: readonly Option[] = [], name: string): boolean {
  const option = options.find(({ DefElem }) => DefElem?.defname === name)?.DefElem;
  if (!option) return false;
  const value = JSON.stringify(option.arg ?? true);
  return !/"(false|off|0)"|"ival":\{\}/i.test(value);
}

/** Visits every wrapped node below one, as deep as `into` lets it. */
export function walk(value: unknown, visit: (kind: string, node: Record<string, unknown>) => 'into' | 'past'): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    const isNode = /^[A-Z]/.test(key) && typeof child === 'object' && child !== null;
    if (isNode && visit(key, child as Record<string, unknown>) === 'past') continue;
    walk(child, visit);
  }
}
