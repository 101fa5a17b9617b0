import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../root.ts';
import { brokenTestLink } from './shown-by.ts';

const ROW = /^\| (?<promise>.+?) +\| \[(?<title>.+)\]\(\.\.\/(?<file>\S+)\) +\|$/;

test('every row of docs/promises.md is shown by a test that exists', () => {
  const lines = readFileSync(join(root, 'docs/promises.md'), 'utf8').split('\n');
  const rows = lines.filter((line) => line.startsWith('|') && !/^\| (promise|-+) /.test(line));
  const broken = rows.flatMap((row) => {
    const { promise, title, file } = ROW.exec(row)?.groups ?? {};
    const fault = promise ? brokenTestLink(`${file} › ${title}`) : `not "| promise | [title](../path) |": ${row}`;
    return fault === undefined ? [] : [fault];
  });
  expect(broken).toEqual([]);
  expect(rows.length).toBeGreaterThan(40);
});

test('a link to a test that is not there is told', () => {
  expect(brokenTestLink('hack/testing/promises.test.ts › a link to a test that is not there is told')).toBeUndefined();
  expect(brokenTestLink('hack/versions.test.ts › no such title')).toBe(
    'hack/versions.test.ts has no test "no such title"',
  );
  expect(brokenTestLink('hack/testing/absent.test.ts › x')).toBe('hack/testing/absent.test.ts is no test file');
});
