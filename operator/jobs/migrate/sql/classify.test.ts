import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { checksumOf } from '../source.ts';
import type { Catalog } from './catalog.ts';
import { classify, RULES, UNKNOWN_STATEMENT, type ParsedFile } from './classify.ts';
import type { ColumnType } from './column-type.ts';
import { parseSql } from './parse.ts';

const COLUMNS: Record<string, ColumnType> = {
  id: { name: 'int4', modifiers: [] },
  note: { name: 'varchar', modifiers: [50] },
  price: { name: 'numeric', modifiers: [10, 2] },
  code: { name: 'text', modifiers: [] },
};
const BUILT_IN = {
  now: false,
  count: false,
  lower: false,
  length: false,
  random: true,
  gen_random_uuid: true,
  nextval: true,
};
const OWN = { reprice: true, price_of: false, uuid_generate_v4: true };

/** A database with the tables `orders` and `items`, and a few functions. */
const catalog: Catalog = {
  isAbsent: (relation) => !['orders', 'items', 'order_list'].includes(relation),
  column: (table, column) => (table === 'public.orders' ? COLUMNS[column] : undefined),
  isNeverNull: (table, column) => table === 'public.orders' && column === 'code',
  routine: (name) => {
    for (const [routines, isBuiltIn] of [
      [BUILT_IN, true],
      [OWN, false],
    ] as const) {
      const isVolatile = (routines as Record<string, boolean>)[name] ?? (name === 'set_config' || undefined);
      if (isVolatile !== undefined) return { isVolatile, isBuiltIn: isBuiltIn || name === 'set_config' };
    }
    return undefined;
  },
};

async function parsed(text: string, file = '1_x.up.sql', wasApplied = false): Promise<ParsedFile> {
  const source = { file, text, checksum: checksumOf(text) };
  return { file: source, statements: await parseSql(source), wasApplied };
}

/** `line rule` of each finding. */
async function findingsOf(...texts: string[]): Promise<string[]> {
  const files = await Promise.all(texts.map((text, i) => parsed(text, `${i + 1}_x.up.sql`)));
  return classify(files, catalog).map(({ line, rule }) => `${line} ${rule}`);
}

describe('destroys', () => {
  const cases: Record<string, [string, string[]]> = {
    'a table': ['-- why\n\ndrop table orders;', ['3 drop-table']],
    'a table of two, after a comment that has a semicolon': [
      'select 1; -- ; \n/* ; */ drop table if exists items, gone;',
      ['2 drop-table'],
    ],
    'a table, and what hangs on it': ['drop table orders cascade', ['1 drop-table', '1 drop-cascade']],
    'a schema': ['drop schema reports', ['1 drop-schema']],
    'a type': ['drop type mood', ['1 drop-type']],
    'a sequence': ['drop sequence numbers', ['1 drop-sequence']],
    'a view that the file does not make anew': ['drop view order_list', ['1 drop-used']],
    'a function that the file does not make anew': ['drop function reprice(int)', ['1 drop-used']],
    'an extension': ['drop extension pgcrypto', ['1 drop-other']],
    'what hangs on a trigger': ['drop trigger t on orders cascade', ['1 drop-cascade']],
    'a column, in a list of changes': ['alter table orders\n  add x int,\n  drop column note;', ['1 drop-column']],
    'a constraint': ['alter table orders drop constraint c', ['1 drop-constraint']],
    'a constraint of a domain': ['alter domain d drop constraint c', ['1 drop-constraint']],
    'a partition': ['alter table orders detach partition old', ['1 detach-partition']],
    'rows after a crash': ['alter table orders set unlogged', ['1 set-unlogged']],
    'all rows': ['truncate orders, items', ['1 truncate']],
    'all rows, by DELETE': ['delete from orders', ['1 delete-all']],
    'all rows, by a condition that always holds': [
      'delete from orders where true; delete from orders where 1=1',
      ['1 delete-all', '1 delete-all'],
    ],
    'all rows, within WITH': [
      'with gone as (\n  delete from orders returning id\n) select count(*) from gone',
      ['2 delete-all'],
    ],
    'all rows, under EXPLAIN ANALYZE': ['explain analyze delete from orders', ['1 delete-all']],
    'all rows, prepared': ['prepare p as\ndelete from orders', ['2 delete-all']],
    'all values': ["update orders set note = ''", ['1 update-all']],
    'by MERGE': ['merge into orders o using items i on o.id = i.id when matched then delete', ['1 merge-delete']],
    'by MERGE, of what its source does not have': [
      'merge into orders o using items i on o.id = i.id when not matched by source then update set id = 0',
      ['1 merge-delete'],
    ],
    digits: ['alter table orders alter price type numeric(8, 2)', ['1 narrow-type']],
    letters: ['alter table orders alter code type varchar(10)', ['1 narrow-type']],
    'whatever USING drops': [
      'alter table orders alter code type text using left(code, 3)',
      ['1 narrow-type', '1 call-function'],
    ],
    'a type that it does not know': ['alter table items alter x type int', ['1 narrow-type']],
    'the name that the running release uses': ['alter table orders rename to sales', ['1 rename']],
    "the column's name": ['alter table orders rename note to remark', ['1 rename']],
    "an enum's value": ["alter type mood rename value 'a' to 'b'", ['1 rename']],
    'the place': ['alter table orders set schema archive', ['1 rename']],
    'a privilege': ['revoke select on orders from shop_reports', ['1 revoke']],
    ownership: ['alter table orders owner to postgres', ['1 change-owner']],
    'ownership of all': ['reassign owned by a to b', ['1 change-owner']],
    'who may log in': ["alter role shop password 'x'", ['1 change-roles']],
    'all that somebody owns': ['drop owned by shop', ['1 drop-owned']],
    "the server's settings": ["alter system set work_mem = '1GB'", ['1 alter-system']],
  };
  test.each(Object.entries(cases))('%s', async (_, [sql, findings]) => expect(await findingsOf(sql)).toEqual(findings));
});

describe('cannot be decided', () => {
  const cases: Record<string, [string, string[]]> = {
    'a DO block': ["select 1;\ndo $$ begin execute 'drop table orders'; end $$", ['2 do-block']],
    'a procedure': ['call tidy()', ['1 call']],
    'a function of its own that may write': ['select\n  reprice(1)', ['2 call-function']],
    'a function that nobody knows': ['insert into orders values (who_knows())', ['1 call-function']],
    'a function that the file makes': [
      'create function f() returns int language sql as $$ select 1 $$;\nselect f()',
      ['2 call-function'],
    ],
    'a query in a string': ["select query_to_xml('delete from orders', true, true, '')", ['1 call-function']],
    'what was prepared elsewhere': ['execute p', ['1 execute']],
    'a program': ["copy orders from program 'curl x'", ['1 copy-program']],
    'a role to run as': ['set role none', ['1 change-session-role']],
    'a role to run as, by a function': ["select set_config('role', 'postgres', false)", ['1 change-session-role']],
    'a library': ["load 'x'", ['1 load']],
  };
  test.each(Object.entries(cases))('%s', async (_, [sql, findings]) => expect(await findingsOf(sql)).toEqual(findings));
});

describe('writes anew, or holds others up', () => {
  const cases: Record<string, [string, string[]]> = {
    'a wider type': ['alter table orders alter id type bigint', ['1 change-type']],
    'a wider type, with the cast spelled out': [
      'alter table orders alter id type bigint using id::bigint',
      ['1 change-type'],
    ],
    'a new scale': ['alter table orders alter price type numeric(12, 4)', ['1 change-type']],
    'a column that differs by row': ['alter table orders add token uuid default gen_random_uuid()', ['1 fill-column']],
    'a serial': ['alter table orders add n bigserial', ['1 fill-column']],
    'an identity': ['alter table orders add n int generated always as identity', ['1 fill-column']],
    'a stored expression': ['alter table orders add n int generated always as (id + 1) stored', ['1 fill-column']],
    'another place': ['alter table orders set tablespace fast', ['1 rewrite-table']],
    'VACUUM FULL': ['vacuum full orders', ['1 vacuum-full']],
    CLUSTER: ['cluster orders using i', ['1 cluster']],
    'an index': ['create index i on orders (note)', ['1 create-index']],
    REINDEX: ['reindex table orders', ['1 reindex']],
    'DROP INDEX': ['drop index i', ['1 drop-index']],
    'NOT NULL without default': ['alter table orders add n int not null', ['1 add-not-null']],
    'SET NOT NULL': ['alter table orders alter note set not null', ['1 set-not-null']],
    'a foreign key': ['alter table items add foreign key (o) references orders', ['1 add-foreign-key']],
    'a check': ['alter table orders add check (id > 0)', ['1 add-check']],
    'a unique column': ['alter table orders add n int unique', ['1 add-unique']],
    'a primary key': ['alter table orders add primary key (id)', ['1 add-unique']],
    'a lock': ['lock table orders', ['1 lock-table']],
    'a refresh': ['refresh materialized view totals', ['1 refresh-view']],
    'a partition': ['alter table orders attach partition p for values in (1)', ['1 attach-partition']],
  };
  test.each(Object.entries(cases))('%s', async (_, [sql, findings]) => expect(await findingsOf(sql)).toEqual(findings));
});

describe('no alarm', () => {
  const cases: Record<string, string | string[]> = {
    'DROP in a string': "insert into orders (note) values ('drop table orders; truncate items')",
    'DROP in a comment': '-- drop table orders;\n/* delete from orders */ select 1',
    'DROP in a dollar quote': 'insert into orders (note) values ($x$drop table orders$x$)',
    'DROP as a column name': 'select "drop table" from (select 1 as "drop table") as truncated',
    'the body of a function':
      'create function f() returns void language plpgsql as $$ begin delete from orders; end $$',
    'a trigger that would delete': 'create trigger t after insert on orders execute function f()',
    'a rule that would delete': 'create rule r as on insert to orders do also delete from items',
    'EXPLAIN alone': 'explain delete from orders',
    'a table of the same file, dropped':
      'create table t (id int); insert into t select id from orders; drop table t cascade',
    'a table of an earlier file, changed in all ways': [
      'create table t (id int, a text)',
      'alter table t drop column a; alter table t alter id type bigint; create index i on t (id); alter table t add n int not null',
      'truncate t; update t set id = 1; alter table t rename id to n; drop table t',
    ],
    'a table that may be there, locked':
      'create table if not exists orders (id int); create index if not exists i on orders (id)',
    'a table that is not there, dropped if it exists':
      'drop table if exists leftover cascade; create table leftover (id int)',
    'a view made anew': 'drop view order_list; create view order_list as select id from orders',
    'a function made anew':
      'drop function if exists reprice(int); create function reprice(n bigint) returns int language sql as $$ select 1 $$',
    'a constraint made anew': 'alter table orders drop constraint c, add constraint c check (id > 1) not valid',
    'a column of the same plan, filled and dropped': [
      'alter table orders add x int',
      'update orders set x = id; alter table orders drop column x',
    ],
    'rows by a condition': "delete from orders where note = 'x'; update orders set note = null where id = 1",
    'a merge that only adds':
      'merge into orders o using items i on o.id = i.id when not matched then insert values (i.id)',
    'more letters': 'alter table orders alter note type varchar(100); alter table orders alter note type text',
    'more digits': 'alter table orders alter price type numeric(12, 2)',
    'a column with a constant default':
      'alter table orders add n int not null default 0, add at timestamptz default now()',
    'a virtual column': 'alter table orders add n int generated always as (id + 1) virtual',
    'a new column that refers to a table': 'alter table orders add item int references items',
    'constraints that are validated later': [
      'alter table orders add constraint c check (id > 0) not valid, add constraint f foreign key (id) references items not valid',
      'alter table orders validate constraint c',
    ],
    'SET NOT NULL where a check in the database says so': 'alter table orders alter code set not null',
    'SET NOT NULL where a check of the plan says so': [
      'alter table orders add constraint c check (note is not null) not valid',
      'alter table orders validate constraint c',
      'alter table orders alter note set not null; alter table orders drop constraint c',
    ],
    'a key from an index': 'alter table orders add constraint k unique using index i',
    'an index, built beside': 'create index concurrently i on orders (note)',
    'an index, dropped beside': 'drop index concurrently i',
    VACUUM: 'vacuum (analyze, full false) orders',
    'functions that only read': 'select price_of(id), lower(note) from orders; alter table orders alter code type text',
    "Postgres's functions that write nothing of ours": "select nextval('s'), random(), count(*), uuid_generate_v4()",
    'what was prepared in the file': "prepare p as update orders set note = 'x' where id = $1; execute p(1)",
    'a search path, as dumps set it': "select pg_catalog.set_config('search_path', '', false); set lock_timeout = '1s'",
    'a default that is not computed now': 'alter table orders alter note set default reprice(1)',
    'privileges given, and taken from what is new':
      'create table t (id int); revoke all on t from public; grant select on orders to reports',
    'triggers, policies and rules dropped': 'drop trigger t on orders; drop policy p on orders; drop rule r on orders',
    'an index renamed': 'alter index i rename to j; alter table orders rename constraint a to b',
    'a new value of an enum': "alter type mood add value 'x'",
    'a view refreshed beside': 'refresh materialized view concurrently totals',
  };
  test.each(Object.entries(cases))('%s', async (_, sql) => expect(await findingsOf(...[sql].flat())).toEqual([]));
});

test('a name means something else after the search path was changed', async () => {
  const findings = await findingsOf('create table orders_2 (id int); set search_path = archive; drop table orders_2');
  expect(findings).toEqual(['1 drop-table']);
});

test('what a run that did not end has made is still new; what it found may not be', async () => {
  const begun = await parsed('create table t (id int); create table if not exists u (id int)', '1_x.up.sql', true);
  const rest = await parsed('alter table t drop column id;\nalter table u drop column id', '2_x.up.sql');
  expect(classify([begun, rest], catalog)).toEqual([
    {
      file: '2_x.up.sql',
      line: 2,
      rule: 'drop-column',
      severity: 'Destructive',
      statement: 'alter table u drop column id',
    },
  ]);
});

test('a password is not told', async () => {
  const [finding] = classify([await parsed("alter role shop with password 'it''s secret' nologin")], catalog);
  expect(finding?.statement).toBe("alter role shop with password '***' nologin");
});

test('a statement that the parser knows and no list does is undecidable', () => {
  const node = { FutureStmt: {} };
  const source = { file: '1_x.up.sql', text: 'future', checksum: '' };
  const statement = { text: 'future', line: 1, node, lineOf: () => 1 };
  const [finding] = classify([{ file: source, statements: [statement] }], catalog);
  expect(finding).toMatchObject({ rule: UNKNOWN_STATEMENT, severity: 'Undecidable', line: 1 });
});

test('docs/migrations.md has every rule, with its severity', () => {
  const page = readFileSync(new URL('../../../../docs/migrations.md', import.meta.url), 'utf8');
  const [, section = ''] = page.split(/^## Rules$/m);
  const [ofPostgres = ''] = section.split(/^## /m);
  const documented = [...ofPostgres.matchAll(/^\| `([a-z-]+)` +\| ([A-Z][a-z]+) /gm)].map(
    ([, id, severity]) => `${id} ${severity}`,
  );
  const rules = new Set(RULES.map(({ id, severity }) => `${id} ${severity}`));
  expect(documented.toSorted()).toEqual([...rules, `${UNKNOWN_STATEMENT} Undecidable`].toSorted());
});
