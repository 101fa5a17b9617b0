import { type Nodes } from '../nodes.ts';
import type { Rule, Scene } from './rule.ts';

/** Functions of Postgres's own that run what they are given, or end what others have. */
const REACHES_FURTHER = new Set([
  'query_to_xml',
  'query_to_xml_and_xmlschema',
  'ts_stat',
  'lo_unlink',
  'pg_terminate_backend',
  'pg_cancel_backend',
  'pg_advisory_unlock',
  'pg_advisory_unlock_all',
  'pg_drop_replication_slot',
]);
/** Volatile functions of extensions that are known to write nothing: uuid-ossp, pgcrypto. */
const WRITES_NOTHING = /^(uuid_generate_v\w+|gen_salt|gen_random_\w+)$/;

/** Whether a call may do anything: only functions that are not volatile are held by Postgres to read. */
function mayDoAnything({ funcname = [] }: Nodes['FuncCall'], { facts }: Scene): boolean {
  const [name = '', schema] = funcname.map((part) => part.String?.sval ?? '').toReversed();
  if (REACHES_FURTHER.has(name)) return true;
  const made = schema === 'pg_catalog' ? undefined : facts.madeRoutine(name);
  if (made) return made.isVolatile;
  const routine = facts.catalog.routine(name);
  if (!routine) return true;
  return routine.isVolatile && !routine.isBuiltIn && schema !== 'pg_catalog' && !WRITES_NOTHING.test(name);
}

export const CODE_RULES: readonly Rule[] = [
  {
    id: 'do-block',
    severity: 'Undecidable',
    on: 'DoStmt',
    finds: '`DO`: what its code does is not known before it runs',
    instead: 'plain statements',
    applies: () => true,
  },
  {
    id: 'call',
    severity: 'Undecidable',
    on: 'CallStmt',
    finds: '`CALL` of a procedure',
    applies: () => true,
  },
  {
    id: 'call-function',
    severity: 'Undecidable',
    on: 'FuncCall',
    finds: 'a call of a volatile function that is not Postgres’s own, or of one that runs what it is given',
    instead: 'declare it `STABLE` or `IMMUTABLE` where it only reads',
    applies: mayDoAnything,
  },
  {
    id: 'execute',
    severity: 'Undecidable',
    on: 'ExecuteStmt',
    finds: '`EXECUTE` of what was not prepared in the same file',
    applies: ({ name = '' }, { facts }) => !facts.isPrepared(name),
  },
  {
    id: 'copy-program',
    severity: 'Undecidable',
    on: 'CopyStmt',
    finds: '`COPY … PROGRAM`: runs a program on the server',
    applies: ({ is_program: isProgram }) => isProgram === true,
  },
  {
    id: 'load',
    severity: 'Undecidable',
    on: 'LoadStmt',
    finds: '`LOAD` of a library',
    applies: () => true,
  },
];
