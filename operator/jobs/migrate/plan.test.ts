import { describe, expect, test } from '@jest/globals';
import type { LedgerEntry } from './ledger.ts';
import { begunBy, describePlan, isLeftOf, planSteps } from './plan.ts';
import { checksumOf, type MigrationFile } from './source.ts';

const file = (version: string, name = 'x', text = `-- ${version}`): MigrationFile => {
  return { version, name, file: `${version}_${name}.up.sql`, text, checksum: checksumOf(text) };
};
const applied = (version: string, name = 'x', text = `-- ${version}`): LedgerEntry => {
  const when = { appliedAt: '2026-11-20T00:00:00.000Z', durationMs: 1, run: 'r' };
  return { version, name, kind: 'up', state: 'applied', checksum: checksumOf(text), ...when };
};

describe('planSteps', () => {
  test.each<[string, MigrationFile[], LedgerEntry[], string[] | RegExp]>([
    ['everything on an empty ledger', [file('1'), file('2')], [], ['1', '2']],
    ['what is above the newest applied', [file('1'), file('2'), file('10')], [applied('1'), applied('2')], ['10']],
    ['nothing when all is applied', [file('1')], [applied('1')], []],
    ['nothing when the database is ahead', [file('1')], [applied('1'), applied('2')], []],
    ['versions as numbers, whatever their zeros', [file('1'), file('2')], [applied('0001', 'x', '-- 1')], ['2']],
    ['holes in the numbers are no gaps', [file('20260101'), file('20260301')], [], ['20260101', '20260301']],
    [
      'a gap is refused',
      [file('1'), file('2'), file('3')],
      [applied('1'), applied('3')],
      /^2_x\.up\.sql has not been applied, but 3_x has/,
    ],
    [
      'below a database that is ahead, too',
      [file('1'), file('2')],
      [applied('1'), applied('3')],
      /^2_x\.up\.sql has not been applied/,
    ],
    ['an edited file is refused', [file('1', 'x', 'new')], [applied('1')], /^1_x\.up\.sql was edited/],
    ['another name at a version is refused', [file('1', 'y')], [applied('1')], /1_x where the source has 1_y\.up\.sql/],
    [
      'a file that is gone is refused',
      [file('2')],
      [applied('1'), applied('2')],
      /^1_x was applied, but its file is not/,
    ],
  ])('%s', (_, source, ledger, expected) => {
    const plan = () => planSteps(source, ledger).pending.map(({ version }) => version);
    if (expected instanceof RegExp) expect(plan).toThrow(expected);
    else expect(plan()).toEqual(expected);
  });
});

test('a checksum does not see line ends or a byte order mark, and sees everything else', () => {
  expect(checksumOf('\uFEFFa\r\nb\rc\n')).toBe(checksumOf('a\nb\nc\n'));
  expect(checksumOf('a\nb')).not.toBe(checksumOf('a\nb\n'));
});

describe('the hash of a plan', () => {
  const files = ['1', '2', '3'].map((version) => ({
    ...file(version),
    down: { file: `${version}_x.down.sql`, text: version, checksum: checksumOf(version) },
  }));
  const hashOf = (source: MigrationFile[], ledger: LedgerEntry[] = [], toVersion = 'latest') =>
    describePlan(planSteps(source, ledger, toVersion), []).hash;
  const all = hashOf(files);
  const [first, second, third] = files as [MigrationFile, MigrationFile, MigrationFile];

  test.each<[string, string]>([
    ['the text of a file', hashOf([first, second, file('3', 'x', 'edited')])],
    ['its name', hashOf([first, second, file('3', 'y', '-- 3')])],
    ['its version', hashOf([first, second, file('4', 'x', '-- 3')])],
    ['another file', hashOf([...files, file('4')])],
    ['what is there already', hashOf(files, [applied('1')])],
    [
      'the direction',
      hashOf(
        files,
        ['1', '2', '3'].map((version) => applied(version)),
        '0',
      ),
    ],
  ])('is another with %s', (_, other) => expect(other).not.toBe(all));

  test('is the same however the version is written, and 16 hex digits', () => {
    expect(hashOf([file('0001', 'x', '-- 1'), second, third])).toBe(all);
    expect(all).toMatch(/^[0-9a-f]{16}$/);
  });

  test('stays good for what is left of its plan, and for nothing else', () => {
    expect(isLeftOf(all, planSteps(files, [applied('1'), applied('2')]), files)).toBe(true);
    const more = [...files, file('4')];
    expect(isLeftOf(all, planSteps(more, [applied('1')]), more)).toBe(false);
    const edited = [first, second, file('3', 'x', 'edited')];
    expect(isLeftOf(all, planSteps(edited, [applied('1'), applied('2')]), edited)).toBe(false);
  });

  test('stays good on the way down', () => {
    const down = hashOf(
      files,
      ['1', '2', '3'].map((version) => applied(version)),
      '0',
    );
    expect(isLeftOf(down, planSteps(files, [applied('1')], '0'), files)).toBe(true);
    expect(isLeftOf(down, planSteps(files, [applied('1'), applied('2')], '1'), files)).toBe(false);
  });
});

test.each<[string, number[], string[]]>([
  ['nothing after a run that came to its end', [1, 0], []],
  ['what a run that did not has applied', [0, 3, 2], ['2', '3']],
  ['all where none ever did', [2, 1], ['1', '2']],
])('begun is %s', (_, remaining, expected) => {
  const ledger = remaining.map((left, i) => ({ ...applied(String(i + 1)), remaining: left }));
  expect(begunBy([file('1'), file('2'), file('3'), file('4')], ledger).map(({ version }) => version)).toEqual(expected);
});
