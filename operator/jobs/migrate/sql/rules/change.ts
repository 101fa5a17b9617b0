import { typeChange, type ColumnType, type TypeChange } from '../column-type.ts';
import { nameOf, unqualified, walk, type ColumnDef, type Nodes, type TypeName } from '../nodes.ts';
import { isInUse, type Rule, type Scene } from './rule.ts';

function typeOf({ names = [], typmods = [], arrayBounds }: TypeName): ColumnType {
  const name = names.at(-1)?.String?.sval ?? '';
  return {
    name: arrayBounds ? `_${name}` : name,
    modifiers: typmods.map(({ A_Const: constant }) => constant?.ival?.ival ?? 0),
  };
}

/** What an ALTER COLUMN TYPE does to what is stored; a USING that does more than cast may do anything. */
function changeOf({ subtype, name = '', def }: Nodes['AlterTableCmd'], scene: Scene): TypeChange {
  const column = def?.ColumnDef;
  const { table, facts } = scene;
  if (subtype !== 'AT_AlterColumnType' || !column?.typeName || !table || !isInUse(table, scene)) return 'None';
  if (facts.isNewColumn(nameOf(table), name)) return 'Rewriting';
  if (column.raw_default && !isCastOf(name, column)) return 'Narrowing';
  return typeChange(facts.catalog.column(nameOf(table), name), typeOf(column.typeName));
}

/** `USING price::bigint` of the column `price`: the same as no USING. */
function isCastOf(name: string, { raw_default: using }: ColumnDef): boolean {
  const cast = using?.TypeCast as { arg?: { ColumnRef?: { fields?: { String?: { sval?: string } }[] } } } | undefined;
  return cast?.arg?.ColumnRef?.fields?.at(-1)?.String?.sval === name;
}

/** Whether each row gets a value of its own: the table is written anew. */
function fillsRows({ typeName, constraints = [] }: ColumnDef, { facts }: Scene): boolean {
  if (/^(small|big)?serial$/.test(typeName?.names?.at(-1)?.String?.sval ?? '')) return true;
  return constraints.some(({ Constraint: constraint }) => {
    switch (constraint?.contype) {
      case 'CONSTR_IDENTITY':
        return true;
      case 'CONSTR_GENERATED':
        return constraint.generated_kind !== 'v';
      case 'CONSTR_DEFAULT':
        return callsVolatile(constraint.raw_expr, facts);
      default:
        return false;
    }
  });
}

function callsVolatile(expression: unknown, facts: Scene['facts']): boolean {
  let found = false;
  walk(expression, (kind, node) => {
    if (kind === 'FuncCall') {
      const name = unqualified((node as Nodes['FuncCall']).funcname?.at(-1)?.String?.sval ?? '');
      found ||= (facts.madeRoutine(name) ?? facts.catalog.routine(name))?.isVolatile ?? true;
    }
    return 'into';
  });
  return found;
}

const hasConstraint = ({ constraints = [] }: ColumnDef, ...types: string[]): boolean =>
  constraints.some(({ Constraint: constraint }) => types.includes(constraint?.contype ?? ''));

const RENAMED_OF_NO_CONSEQUENCE = new Set([
  'OBJECT_INDEX',
  'OBJECT_TABCONSTRAINT',
  'OBJECT_DOMCONSTRAINT',
  'OBJECT_TRIGGER',
  'OBJECT_POLICY',
  'OBJECT_RULE',
  'OBJECT_STATISTIC_EXT',
]);

export const CHANGE_RULES: readonly Rule[] = [
  {
    id: 'narrow-type',
    severity: 'Destructive',
    on: 'AlterTableCmd',
    finds: '`ALTER COLUMN … TYPE` to one that may not hold every value, or with a `USING` that is not a cast',
    instead: 'a new column, filled beside the old one',
    applies: (node, scene) => changeOf(node, scene) === 'Narrowing',
  },
  {
    id: 'change-type',
    severity: 'Rewriting',
    on: 'AlterTableCmd',
    finds: '`ALTER COLUMN … TYPE` that keeps every value: writes the table anew, locked',
    instead: 'a new column, filled beside the old one',
    applies: (node, scene) => changeOf(node, scene) === 'Rewriting',
  },
  {
    id: 'fill-column',
    severity: 'Rewriting',
    on: 'AlterTableCmd',
    finds: '`ADD COLUMN` with a default that differs by row (`gen_random_uuid()`, serial, identity, stored expression)',
    instead: 'add it without, set the default, fill the rows in batches',
    applies: ({ subtype, def }, scene) =>
      subtype === 'AT_AddColumn' &&
      isInUse(scene.table, scene) &&
      Boolean(def?.ColumnDef && fillsRows(def.ColumnDef, scene)),
  },
  {
    id: 'rewrite-table',
    severity: 'Rewriting',
    on: 'AlterTableCmd',
    finds: '`SET TABLESPACE`, `SET LOGGED`, `SET ACCESS METHOD`, `SET EXPRESSION`',
    applies: ({ subtype }, scene) =>
      ['AT_SetTableSpace', 'AT_SetLogged', 'AT_SetAccessMethod', 'AT_SetExpression'].includes(subtype) &&
      isInUse(scene.table, scene),
  },
  {
    id: 'add-not-null',
    severity: 'Blocking',
    on: 'AlterTableCmd',
    finds:
      '`ADD COLUMN … NOT NULL` without a default: fails on a table with rows, and so does who does not know the column',
    instead: 'give it a default, or add it without `NOT NULL` first',
    applies: ({ subtype, def }, scene) =>
      subtype === 'AT_AddColumn' &&
      isInUse(scene.table, scene) &&
      Boolean(
        def?.ColumnDef &&
        hasConstraint(def.ColumnDef, 'CONSTR_NOTNULL', 'CONSTR_PRIMARY') &&
        !hasConstraint(def.ColumnDef, 'CONSTR_DEFAULT') &&
        !fillsRows(def.ColumnDef, scene),
      ),
  },
  {
    id: 'rename',
    severity: 'Destructive',
    on: 'RenameStmt',
    finds: '`RENAME` of a table, column, view, type, function, …: the running release does not find it any more',
    instead: 'add the new one, move over, drop the old one a release later',
    applies: ({ renameType: kind, relation, subname = '' }, scene) => {
      if (RENAMED_OF_NO_CONSEQUENCE.has(kind)) return false;
      if (!relation) return true;
      return isInUse(relation, scene) && !scene.facts.isNewColumn(nameOf(relation), subname);
    },
  },
  {
    id: 'rename',
    severity: 'Destructive',
    on: 'AlterObjectSchemaStmt',
    finds: '`SET SCHEMA`',
    applies: ({ relation }, scene) => !relation || isInUse(relation, scene),
  },
  {
    id: 'rename',
    severity: 'Destructive',
    on: 'AlterEnumStmt',
    finds: '`ALTER TYPE … RENAME VALUE`',
    applies: ({ oldVal }) => oldVal !== undefined,
  },
];
