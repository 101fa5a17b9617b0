import { listedName, nameOf, unqualified, type Nodes } from '../nodes.ts';
import { mayHaveRows, type Rule, type Scene } from './rule.ts';

/** What is made anew easily, and holds nothing: only who depends on it can be hurt. */
const HOLDS_NOTHING = new Set([
  'OBJECT_INDEX',
  'OBJECT_TRIGGER',
  'OBJECT_EVENT_TRIGGER',
  'OBJECT_RULE',
  'OBJECT_POLICY',
  'OBJECT_STATISTIC_EXT',
  'OBJECT_PUBLICATION',
]);
const TABLES = ['OBJECT_TABLE', 'OBJECT_FOREIGN_TABLE'];
const TYPES = ['OBJECT_TYPE', 'OBJECT_DOMAIN'];
const OTHERS_USE = ['OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_FUNCTION', 'OBJECT_PROCEDURE', 'OBJECT_ROUTINE'];
const NAMED = [...TABLES, ...TYPES, ...OTHERS_USE, 'OBJECT_SCHEMA', 'OBJECT_SEQUENCE'];

/** What a DROP names that somebody may miss: not what the plan made itself, nor what an IF EXISTS does not find. */
function missed(
  { removeType: kind, objects = [], missing_ok: isOptional }: Nodes['DropStmt'],
  { facts }: Scene,
): string[] {
  const names = objects.map(({ List: list, ObjectWithArgs: routine, TypeName: type, String: text }) =>
    text ? (text.sval ?? '') : listedName(list?.items ?? routine?.objname ?? type?.names),
  );
  return names.filter((name) => {
    if (facts.isNew(kind, name) || (OTHERS_USE.includes(kind) && facts.isMadeInFile(kind, name))) return false;
    const isRelation = ['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_SEQUENCE'].includes(kind);
    return !(isRelation && isOptional && facts.catalog.isAbsent(unqualified(name)) && !facts.mayBeNew(kind, name));
  });
}

const drops =
  (...kinds: string[]) =>
  (node: Nodes['DropStmt'], scene: Scene): boolean =>
    kinds.includes(node.removeType) && missed(node, scene).length > 0;

const ofTable =
  (...subtypes: string[]) =>
  (node: Nodes['AlterTableCmd'], scene: Scene): boolean =>
    subtypes.includes(node.subtype) && mayHaveRows(scene.table, scene);

export const DROP_RULES: readonly Rule[] = [
  {
    id: 'drop-table',
    severity: 'Destructive',
    on: 'DropStmt',
    finds: '`DROP TABLE`: its rows are gone',
    instead: 'drop it in a release after the last one that uses it, with an approval',
    applies: drops(...TABLES),
  },
  {
    id: 'drop-schema',
    severity: 'Destructive',
    on: 'DropStmt',
    finds: '`DROP SCHEMA`',
    applies: drops('OBJECT_SCHEMA'),
  },
  {
    id: 'drop-type',
    severity: 'Destructive',
    on: 'DropStmt',
    finds: '`DROP TYPE`, `DROP DOMAIN`',
    applies: drops(...TYPES),
  },
  {
    id: 'drop-sequence',
    severity: 'Destructive',
    on: 'DropStmt',
    finds: '`DROP SEQUENCE`: where it stood is gone',
    applies: drops('OBJECT_SEQUENCE'),
  },
  {
    id: 'drop-used',
    severity: 'Destructive',
    on: 'DropStmt',
    finds: '`DROP VIEW`, `DROP FUNCTION`, … that the file does not make anew: the running release may use it',
    applies: drops(...OTHERS_USE),
  },
  {
    id: 'drop-other',
    severity: 'Destructive',
    on: 'DropStmt',
    finds: '`DROP EXTENSION`, `DROP COLLATION`, … and what else is not an index, trigger, rule or policy',
    applies: ({ removeType: kind }) => !NAMED.includes(kind) && !HOLDS_NOTHING.has(kind),
  },
  {
    id: 'drop-cascade',
    severity: 'Destructive',
    on: 'DropStmt',
    finds: '`CASCADE`: drops what it does not name',
    instead: 'name everything that is to go',
    applies: (node, scene) => node.behavior === 'DROP_CASCADE' && missed(node, scene).length > 0,
  },
  {
    id: 'drop-index',
    severity: 'Blocking',
    on: 'DropStmt',
    finds: '`DROP INDEX`: waits for every transaction on its table, and others for it',
    instead: '`DROP INDEX CONCURRENTLY`, alone in its file',
    applies: ({ removeType, concurrent }) => removeType === 'OBJECT_INDEX' && !concurrent,
  },
  {
    id: 'drop-column',
    severity: 'Destructive',
    on: 'AlterTableCmd',
    finds: '`DROP COLUMN`: its values are gone, and the running release may use it',
    instead: 'drop it in a release after the last one that uses it, with an approval',
    applies: (node, scene) =>
      ofTable('AT_DropColumn')(node, scene) &&
      scene.table !== undefined &&
      !scene.facts.isNewColumn(nameOf(scene.table), node.name ?? ''),
  },
  {
    id: 'drop-constraint',
    severity: 'Destructive',
    on: 'AlterTableCmd',
    finds: '`DROP CONSTRAINT` that the file does not make anew: what it kept out can come in',
    applies: (node, scene) => {
      if (!ofTable('AT_DropConstraint')(node, scene) || !scene.table) return false;
      const name = `${nameOf(scene.table)}.${node.name}`;
      const { facts } = scene;
      return !facts.isNew('OBJECT_TABCONSTRAINT', name) && !facts.isMadeInFile('OBJECT_TABCONSTRAINT', name);
    },
  },
  {
    id: 'drop-constraint',
    severity: 'Destructive',
    on: 'AlterDomainStmt',
    finds: '`DROP CONSTRAINT` of a domain',
    applies: ({ subtype }) => subtype === 'X',
  },
  {
    id: 'detach-partition',
    severity: 'Destructive',
    on: 'AlterTableCmd',
    finds: '`DETACH PARTITION`, `NO INHERIT`: the rows are in the table no more',
    applies: ofTable('AT_DetachPartition', 'AT_DropInherit'),
  },
  {
    id: 'set-unlogged',
    severity: 'Destructive',
    on: 'AlterTableCmd',
    finds: '`SET UNLOGGED`: the rows are gone after a crash',
    applies: ofTable('AT_SetUnLogged'),
  },
  {
    id: 'drop-owned',
    severity: 'Destructive',
    on: 'DropOwnedStmt',
    finds: '`DROP OWNED`',
    applies: () => true,
  },
];
