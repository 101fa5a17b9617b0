import { listedName, nameOf, type Nodes } from '../nodes.ts';
import { isInUse, type Rule, type Scene } from './rule.ts';

/** Who may log in, and as whom: of the server, not of a database. */
const ROLE_STATEMENTS = [
  'CreateRoleStmt',
  'AlterRoleStmt',
  'AlterRoleSetStmt',
  'DropRoleStmt',
  'GrantRoleStmt',
] as const;

const SESSION_ROLES = ['role', 'session_authorization'];

/** Whether everything that a REVOKE names is the plan's own. */
function isOfNew({ objects = [], objtype = '' }: Nodes['GrantStmt'], { facts }: Scene): boolean {
  return objects.every(({ RangeVar: table, ObjectWithArgs: routine }) => {
    if (table) return facts.isNew('OBJECT_TABLE', nameOf(table)) || facts.isNew('OBJECT_VIEW', nameOf(table));
    return routine !== undefined && facts.isNew(objtype, listedName(routine.objname));
  });
}

export const ACCESS_RULES: readonly Rule[] = [
  {
    id: 'revoke',
    severity: 'Destructive',
    on: 'GrantStmt',
    finds: '`REVOKE`: the running release may need it',
    applies: (node, scene) => !node.is_grant && !isOfNew(node, scene),
  },
  {
    id: 'revoke',
    severity: 'Destructive',
    on: 'AlterDefaultPrivilegesStmt',
    finds: '`ALTER DEFAULT PRIVILEGES … REVOKE`',
    applies: ({ action }) => !action?.is_grant,
  },
  {
    id: 'change-owner',
    severity: 'Destructive',
    on: 'AlterTableCmd',
    finds: '`OWNER TO`, `REASSIGN OWNED`: later migrations cannot change it any more',
    instead: 'leave it: migrations run as the owner of the database, which owns what they make',
    applies: ({ subtype }, scene) => subtype === 'AT_ChangeOwner' && isInUse(scene.table, scene),
  },
  {
    id: 'change-owner',
    severity: 'Destructive',
    on: 'AlterOwnerStmt',
    finds: '`OWNER TO`',
    applies: () => true,
  },
  {
    id: 'change-owner',
    severity: 'Destructive',
    on: 'ReassignOwnedStmt',
    finds: '`REASSIGN OWNED`',
    applies: () => true,
  },
  ...ROLE_STATEMENTS.map((on): Rule => ({
    id: 'change-roles',
    severity: 'Destructive',
    on,
    finds: '`CREATE ROLE`, `ALTER ROLE`, `DROP ROLE`, `GRANT` of a role: they are of the whole server',
    instead: 'the operator makes the roles that `needs` ask for',
    applies: () => true,
  })),
  {
    id: 'alter-system',
    severity: 'Destructive',
    on: 'AlterSystemStmt',
    finds: '`ALTER SYSTEM`: of the whole server',
    applies: () => true,
  },
  {
    id: 'change-session-role',
    severity: 'Undecidable',
    on: 'VariableSetStmt',
    finds: '`SET ROLE`, `SET SESSION AUTHORIZATION`, also by `set_config`: what follows is not done as the owner',
    applies: ({ name = '' }) => SESSION_ROLES.includes(name),
  },
  {
    id: 'change-session-role',
    severity: 'Undecidable',
    on: 'FuncCall',
    finds: '`set_config` of a role',
    applies: ({ funcname = [], args = [] }) => {
      if (funcname.at(-1)?.String?.sval !== 'set_config') return false;
      const setting = (args[0]?.A_Const as { sval?: { sval?: string } } | undefined)?.sval?.sval;
      return setting === undefined || SESSION_ROLES.includes(setting.toLowerCase());
    },
  },
];
