import { expect, test } from '@jest/globals';
import { durationMs, type MigrationPlan } from './contract.ts';
import { fitResult, MAX_RESULT_BYTES } from './result.ts';
import { createSecrets, passwordOf } from './secrets.ts';

test('a result that is too long loses its oldest entries first, and stays JSON', () => {
  const applied = Array.from({ length: 200 }, (_, i) => ({ version: String(i), name: 'ä'.repeat(20) }));
  const text = fitResult({ ok: true, currentVersion: '199', applied }, (value) => value);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_RESULT_BYTES);
  const shown = JSON.parse(text) as { applied: { version: string }[] };
  expect(shown.applied.length).toBeGreaterThan(20);
  expect(shown.applied.at(-1)?.version).toBe('199');
});

test('a plan that is too long keeps what is first and what is worst, and counts the rest', () => {
  const files = Array.from({ length: 200 }, (_, i) => `${String(i).padStart(4, '0')}_a_change_of_some_kind.up.sql`);
  const findings = files.map((file, i) => ({
    file,
    line: 1,
    rule: i === 150 ? 'drop-table' : 'create-index',
    severity: i === 150 ? ('Destructive' as const) : ('Blocking' as const),
    statement: 'create index i on t (x)',
  }));
  const plan = { hash: 'feed', direction: 'Up' as const, pending: [...files], findings };
  const failure = { ok: false as const, reason: 'DestructiveRejected', message: 'why '.repeat(100), plan };
  const text = fitResult(failure, (value) => value);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_RESULT_BYTES);
  const shown = (JSON.parse(text) as { plan: MigrationPlan }).plan;
  expect(shown).toMatchObject({ hash: 'feed', direction: 'Up' });
  expect(shown.pending).toEqual(files.slice(0, shown.pending.length));
  expect(shown.findings.at(-1)).toMatchObject({ rule: 'drop-table' });
  expect(shown.findings[0]).toMatchObject({ file: files[0] });
  expect(shown.pending.length + (shown.leftOut?.pending ?? 0)).toBe(200);
  expect(shown.findings.length + (shown.leftOut?.findings ?? 0)).toBe(200);
  expect(shown.findings.length).toBeGreaterThan(3);
});

test('a message that is too long keeps its start and its end', () => {
  const text = fitResult({ ok: false, reason: 'Failed', message: `start${'x'.repeat(10_000)}end` }, (value) => value);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_RESULT_BYTES);
  expect(JSON.parse(text)).toMatchObject({ reason: 'Failed', message: expect.stringMatching(/^startx.* … .*xend$/) });
});

test.each([
  ['a URI', 'connect postgres://orders:p%40ss@db:5432/x failed', 'connect postgres://orders:***@db:5432/x failed'],
  ['a URI with a strange password', 'mongodb://u:a:b/c@db', 'mongodb://u:***@db'],
  ['a known password', 'refused "s3cret\\"pw"', 'refused "***"'],
  ['a known password, encoded', 'is s3cret%22pw', 'is ***'],
  ['nothing', 'http://host:80/path and me@example.com', 'http://host:80/path and me@example.com'],
])('masks the password of %s', (_, text, masked) => {
  const secrets = createSecrets();
  secrets.add('s3cret"pw', undefined, '');
  expect(secrets.mask(text)).toBe(masked);
});

test('the password of a URI is told decoded', () => {
  expect(passwordOf('postgres://u:p%40ss@h/d')).toBe('p@ss');
  expect(passwordOf('not a uri')).toBeUndefined();
});

test.each([
  ['5s', 5_000],
  ['1m30s', 90_000],
  ['250ms', 250],
  ['2h', 7_200_000],
])('%s is %d ms', (text, ms) => expect(durationMs(text)).toBe(ms));
test.each(['', '5', 's', '5 s', '-1s'])('%j is no duration', (text) =>
  expect(() => durationMs(text)).toThrow(/duration such as 5s/),
);
