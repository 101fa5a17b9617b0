import { describe, expect, test } from '@jest/globals';
import type { LedgerEntry } from './ledger.ts';
import { planSteps } from './plan.ts';
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
