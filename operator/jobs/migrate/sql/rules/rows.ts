import { nameOf, type AnyNode, type Nodes } from '../nodes.ts';
import { mayHaveRows, type Rule } from './rule.ts';

/** No condition, or one that holds for every row: `true`, `1 = 1`. */
function isForAll(condition: AnyNode | undefined): boolean {
  if (!condition) return true;
  const constant = condition.A_Const as { boolval?: { boolval?: boolean } } | undefined;
  const comparison = condition.A_Expr as { lexpr?: AnyNode; rexpr?: AnyNode } | undefined;
  return constant?.boolval?.boolval === true || Boolean(comparison?.lexpr?.A_Const && comparison.rexpr?.A_Const);
}

const clausesOf = ({ mergeWhenClauses: clauses = [] }: Nodes['MergeStmt']) =>
  clauses.flatMap(({ MergeWhenClause: clause }) => (clause ? [clause] : []));

export const ROW_RULES: readonly Rule[] = [
  {
    id: 'truncate',
    severity: 'Destructive',
    on: 'TruncateStmt',
    finds: '`TRUNCATE`',
    applies: ({ relations = [] }, scene) => relations.some(({ RangeVar: table }) => mayHaveRows(table, scene)),
  },
  {
    id: 'delete-all',
    severity: 'Destructive',
    on: 'DeleteStmt',
    finds: '`DELETE` without `WHERE`, also within `WITH`',
    applies: ({ relation, whereClause }, scene) => isForAll(whereClause) && mayHaveRows(relation, scene),
  },
  {
    id: 'update-all',
    severity: 'Destructive',
    on: 'UpdateStmt',
    finds: '`UPDATE` without `WHERE`, but of columns that the plan adds',
    instead: 'name the rows that need it (`WHERE price_cents IS NULL`): that can be repeated, too',
    applies: ({ relation, whereClause, targetList = [] }, scene) =>
      isForAll(whereClause) &&
      mayHaveRows(relation, scene) &&
      targetList.some(({ ResTarget: to }) => !scene.facts.isNewColumn(nameOf(relation), to?.name ?? '')),
  },
  {
    id: 'merge-delete',
    severity: 'Destructive',
    on: 'MergeStmt',
    finds: '`MERGE` that deletes, or changes all that its source does not have',
    applies: (node, scene) =>
      mayHaveRows(node.relation, scene) &&
      clausesOf(node).some(
        ({ commandType, matchKind, condition }) =>
          commandType === 'CMD_DELETE' ||
          (commandType === 'CMD_UPDATE' && matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE' && !condition),
      ),
  },
];
