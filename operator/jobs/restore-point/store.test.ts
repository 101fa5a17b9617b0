import { describe, expect, test } from '@jest/globals';
import { connectionEnvironment } from './client.ts';
import { inUnits, superfluous, type Retention } from './store.ts';
import { difference, type TableContent } from './tables.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
/** `1@10:00` is a point of version 1, taken at that time of this day. */
const point = (text: string) => ({
  id: text,
  version: text.split('@')[0] ?? '',
  takenAt: `2026-11-21T${text.split('@')[1]}:00Z`,
});

describe('which restore points go', () => {
  const cases: Record<string, [points: string, Retention, going: string, named?: string]> = {
    'none, up to the count': ['1@10:00 2@11:00', { keep: 2 }, ''],
    'the oldest of those above the count': ['1@09:00 2@10:00 3@11:00', { keep: 2 }, '1@09:00'],
    'before any other, those of a version that a newer one is of': ['1@08:00 2@09:00 3@10:00 3@11:00', { keep: 3 }, '3@10:00'],
    'those that are too old': ['1@08:00 2@09:00 3@11:00', { keep: 3, maxAge: '2h30m' }, '1@08:00 2@09:00'],
    'never the newest, however old': ['1@08:00', { keep: 1, maxAge: '1m' }, ''],
    'never the one that is gone back to': ['1@08:00 2@09:00 3@11:00', { keep: 1, maxAge: '1h' }, '2@09:00', '1@08:00'],
  }; // prettier-ignore
  test.each(Object.entries(cases))('%s', (_, [points, retention, going, named]) => {
    expect(superfluous(points.split(' ').map(point), retention, NOW, named).toSorted().join(' ')).toBe(going);
  });
});

describe('where two readings of the tables differ', () => {
  const table = (name: string, rows: number, checksum = '7'): TableContent => ({
    schema: 'public',
    name,
    rows,
    checksum,
  });
  const cases: Record<string, [TableContent[], string | undefined]> = {
    nowhere: [[table('b', 2), table('a', 1)], undefined],
    'in how many rows': [[table('a', 1), table('b', 3)], 'table public.b has 3 rows instead of 2'],
    'in what the rows are': [[table('a', 1), table('b', 2, '8')], 'the rows of table public.b are not the same'],
    'in a table that is missing': [[table('a', 1)], 'table public.b is missing'],
    'in a table more': [[table('a', 1), table('b', 2), table('c', 0)], 'table public.c should not be there'],
  }; // prettier-ignore
  test.each(Object.entries(cases))('%s', (_, [found, words]) => {
    expect(difference([table('a', 1), table('b', 2)], found)).toBe(words);
  });
});

describe('what the programs are told of a server', () => {
  const cases: Record<string, [uri: string, told: Record<string, string>]> = {
    'its address and login, decoded': ['postgres://ad%40min:p%2Fw@db.example:6432/x', { PGHOST: 'db.example', PGPORT: '6432', PGUSER: 'ad@min', PGPASSWORD: 'p/w', PGDATABASE: 'orders' }],
    'no encryption where the driver has none': ['postgres://a:b@db/x', { PGPORT: '5432', PGSSLMODE: 'disable' }],
    'to verify against the authority of the Secret': ['postgres://a:b@db/x?sslmode=verify-full&sslrootcert=/ca.crt', { PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/ca.crt' }],
    'to encrypt only': ['postgres://a:b@db/x?sslmode=no-verify', { PGSSLMODE: 'require' }],
    'an address of IPv6 without its brackets': ['postgres://a:b@[::1]/x', { PGHOST: '::1' }],
  }; // prettier-ignore
  test.each(Object.entries(cases))('%s', async (_, [uri, told]) => {
    expect(await connectionEnvironment(uri, { database: 'orders', name: 'job', files: '/nowhere' })).toMatchObject(
      told,
    );
  });
});

test('sizes are told in three digits', () => {
  expect([0, 1023, 524_288, 1_610_612_736].map(inUnits)).toEqual(['0 B', '1020 B', '512 KiB', '1.5 GiB']);
});
