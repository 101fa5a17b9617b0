import type { PlanFinding } from '../../../contract.ts';
import type { Facts } from '../facts.ts';
import { nameOf, type NodeKind, type Nodes, type RangeVar } from '../nodes.ts';

/** Where a node is found. */
export interface Scene {
  facts: Facts;
  /** The table that an AlterTableCmd is of. */
  table: RangeVar | undefined;
}

export interface RuleOf<K extends NodeKind> {
  id: string;
  severity: PlanFinding['severity'];
  /** What it finds, for docs/migrations.md; `instead` is what to write instead. */
  finds: string;
  instead?: string;
  on: K;
  applies: (node: Nodes[K], scene: Scene) => boolean;
}
export type Rule = { [K in NodeKind]: RuleOf<K> }[NodeKind];

/** Whether a table may hold rows that somebody would miss. */
export function mayHaveRows(table: RangeVar | undefined, { facts }: Scene): boolean {
  return table !== undefined && !facts.isNew('OBJECT_TABLE', nameOf(table));
}

/** Whether somebody may be using a table, and would notice a lock on it. */
export function isInUse(table: RangeVar | undefined, { facts }: Scene): boolean {
  return table !== undefined && !facts.mayBeNew('OBJECT_TABLE', nameOf(table));
}
