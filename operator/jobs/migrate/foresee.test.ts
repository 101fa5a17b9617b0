import { describe, expect, test } from '@jest/globals';
import type { Engine } from '../contract.ts';
import { foreseeFindings } from './foresee.ts';
import { checksumOf } from './source.ts';

const source = (text: string, i: number) => ({ file: `000${i + 1}_x`, text, checksum: checksumOf(text) });

async function rulesOf(engine: Engine, texts: string[], isNew: boolean): Promise<string[]> {
  const findings = await foreseeFindings(engine, texts.map(source), isNew);
  return findings.map(({ file, line, rule }) => `${file}:${line} ${rule}`);
}

const steps = (...lines: string[]) => `steps:\n${lines.map((line) => `  - ${line}`).join('\n')}`;

describe('without a look at the database, the rules find', () => {
  test.each<[string, Engine, string[], boolean, string[]]>([
    ['what drops a table, with file and line', 'postgres', ['create table a (id int)', 'select 1;\ndrop table b'], false, ['0002_x:2 drop-table']],
    ['nothing in what drops a table that these files have made', 'postgres', ['create table a (id int); drop table a'], false, []],
    ['nothing to lose in a database that is new', 'postgres', ['drop table if exists b'], true, []],
    ['no fault in a function that nobody looked up', 'postgres', ['insert into a select uuid_generate_v4(), now()'], false, []],
    ['what drops a collection', 'mongo', [steps('dropCollection: {collection: a}')], false, ['0001_x:2 drop-collection']],
    ['that a collection is elsewhere after it was renamed', 'mongo', [steps('renameCollection: {from: a, to: b}'), steps('dropCollection: {collection: a}', 'dropCollection: {collection: b}')], false, ['0001_x:2 rename', '0002_x:3 drop-collection']],
    ['nothing to lose in collections of a database that is new', 'mongo', [steps('dropCollection: {collection: a}')], true, []],
  ])('%s', async (_, engine, texts, isNew, expected) => {
    expect(await rulesOf(engine, texts, isNew)).toEqual(expected);
  }); // prettier-ignore

  test('what Postgres could not parse, and where', async () => {
    await expect(rulesOf('postgres', ['select 1;\ncreat table x ()'], false)).rejects.toThrow(/0001_x:2: syntax error/);
  });
});
