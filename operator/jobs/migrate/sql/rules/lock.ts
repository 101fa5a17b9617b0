import { hasOption, type Constraint, type Nodes } from '../nodes.ts';
import { isInUse, type Rule, type Scene } from './rule.ts';
import { nameOf } from '../nodes.ts';

/** Constraints that an ALTER TABLE adds, by themselves or with a column. */
function added({ subtype, def }: Nodes['AlterTableCmd'], scene: Scene): Constraint[] {
  if (!isInUse(scene.table, scene)) return [];
  if (subtype === 'AT_AddConstraint') return def?.Constraint ? [def.Constraint] : [];
  if (subtype !== 'AT_AddColumn') return [];
  const constraints = (def?.ColumnDef?.constraints ?? []).flatMap(({ Constraint: one }) => (one ? [one] : []));
  // Without a default a new column is null everywhere, which refers to nothing.
  const hasDefault = constraints.some(({ contype }) => contype === 'CONSTR_DEFAULT');
  return constraints.filter(({ contype }) => contype !== 'CONSTR_FOREIGN' || hasDefault);
}

const adds =
  (...types: string[]) =>
  (node: Nodes['AlterTableCmd'], scene: Scene): boolean =>
    added(node, scene).some(
      ({ contype, skip_validation: isNotValid, indexname }) =>
        types.includes(contype) && !isNotValid && indexname === undefined,
    );

export const LOCK_RULES: readonly Rule[] = [
  {
    id: 'create-index',
    severity: 'Blocking',
    on: 'IndexStmt',
    finds: '`CREATE INDEX`: no writes until it is built',
    instead: '`CREATE INDEX CONCURRENTLY`, with a name, alone in its file',
    applies: ({ relation, concurrent }, scene) => !concurrent && isInUse(relation, scene),
  },
  {
    id: 'reindex',
    severity: 'Blocking',
    on: 'ReindexStmt',
    finds: '`REINDEX`',
    instead: '`REINDEX … CONCURRENTLY`, alone in its file',
    applies: ({ params }) => !hasOption(params, 'concurrently'),
  },
  {
    id: 'add-foreign-key',
    severity: 'Blocking',
    on: 'AlterTableCmd',
    finds: '`ADD FOREIGN KEY`: no writes to either table while every row is looked up',
    instead: '`NOT VALID`, and `VALIDATE CONSTRAINT` in a file after it',
    applies: adds('CONSTR_FOREIGN'),
  },
  {
    id: 'add-check',
    severity: 'Blocking',
    on: 'AlterTableCmd',
    finds: '`ADD CHECK`: nothing is read or written while every row is looked at',
    instead: '`NOT VALID`, and `VALIDATE CONSTRAINT` in a file after it',
    applies: adds('CONSTR_CHECK'),
  },
  {
    id: 'add-check',
    severity: 'Blocking',
    on: 'AlterDomainStmt',
    finds: 'the same for a domain',
    applies: ({ subtype, def }) => subtype === 'O' || (subtype === 'C' && !def?.Constraint?.skip_validation),
  },
  {
    id: 'add-unique',
    severity: 'Blocking',
    on: 'AlterTableCmd',
    finds: '`ADD UNIQUE`, `PRIMARY KEY`, `EXCLUDE`: nothing is read or written while the index is built',
    instead: '`CREATE UNIQUE INDEX CONCURRENTLY` in a file before it, and `ADD … USING INDEX`',
    applies: adds('CONSTR_UNIQUE', 'CONSTR_PRIMARY', 'CONSTR_EXCLUSION'),
  },
  {
    id: 'set-not-null',
    severity: 'Blocking',
    on: 'AlterTableCmd',
    finds: '`SET NOT NULL`: nothing is read or written while every row is looked at',
    instead:
      '`ADD CHECK (c IS NOT NULL) NOT VALID`, `VALIDATE CONSTRAINT`, then `SET NOT NULL`, which need not look any more',
    applies: ({ subtype, name = '', def }, scene) => {
      const isByConstraint = subtype === 'AT_AddConstraint' && def?.Constraint?.contype === 'CONSTR_NOTNULL';
      if (isByConstraint) return !def.Constraint?.skip_validation && isInUse(scene.table, scene);
      if (subtype !== 'AT_SetNotNull' || !scene.table || !isInUse(scene.table, scene)) return false;
      return !scene.facts.isNeverNull(nameOf(scene.table), name);
    },
  },
  {
    id: 'attach-partition',
    severity: 'Blocking',
    on: 'AlterTableCmd',
    finds: '`ATTACH PARTITION`: every row of it is looked at',
    instead: 'a valid `CHECK` of the same bounds on it before',
    applies: ({ subtype }, scene) => subtype === 'AT_AttachPartition' && isInUse(scene.table, scene),
  },
  {
    id: 'lock-table',
    severity: 'Blocking',
    on: 'LockStmt',
    finds: '`LOCK TABLE`',
    applies: () => true,
  },
  {
    id: 'refresh-view',
    severity: 'Blocking',
    on: 'RefreshMatViewStmt',
    finds: '`REFRESH MATERIALIZED VIEW`: nobody reads it meanwhile',
    instead: '`REFRESH MATERIALIZED VIEW CONCURRENTLY`',
    applies: ({ concurrent, relation }, { facts }) =>
      !concurrent && !facts.mayBeNew('OBJECT_MATVIEW', nameOf(relation)),
  },
  {
    id: 'vacuum-full',
    severity: 'Rewriting',
    on: 'VacuumStmt',
    finds: '`VACUUM FULL`',
    applies: ({ options }) => hasOption(options, 'full'),
  },
  {
    id: 'cluster',
    severity: 'Rewriting',
    on: 'ClusterStmt',
    finds: '`CLUSTER`',
    applies: ({ relation }, scene) => !relation || isInUse(relation, scene),
  },
];
