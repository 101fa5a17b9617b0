import { describe, expect, test } from '@jest/globals';
import { cacheDir, contentKey } from './cache.ts';
import { isNewEnough } from './go.ts';
import { checksumOf } from './release.ts';

describe('contentKey', () => {
  const key = contentKey([['go.mod', 'module a'], ['flags', '-s']]); // prettier-ignore

  test('is the same for the same parts', () => {
    expect(contentKey([['go.mod', Buffer.from('module a')], ['flags', '-s']])).toBe(key); // prettier-ignore
    expect(key).toMatch(/^[0-9a-f]{12}$/);
  });

  test.each<[string, [string, string][]]>([
    [
      'a content changes',
      [
        ['go.mod', 'module b'],
        ['flags', '-s'],
      ],
    ],
    [
      'a name changes',
      [
        ['go.sum', 'module a'],
        ['flags', '-s'],
      ],
    ],
    [
      'a part is added',
      [
        ['go.mod', 'module a'],
        ['flags', '-s'],
        ['tags', ''],
      ],
    ],
    [
      'bytes move from one part to the next',
      [
        ['go.mod', 'module '],
        ['aflags', '-s'],
      ],
    ],
  ])('changes when %s', (_, parts) => {
    expect(contentKey(parts)).not.toBe(key);
  });
});

test.each<[string, NodeJS.ProcessEnv, RegExp]>([
  ['the variable of its own wins', { ORDERPLANE_CACHE: '/a', XDG_CACHE_HOME: '/b' }, /^\/a$/],
  ['else it is below the XDG folder', { XDG_CACHE_HOME: '/b' }, /^\/b\/orderplane$/],
  ['else below the home folder', {}, /\/\.cache\/orderplane$/],
])('the cache folder: %s', (_, env, expected) => {
  expect(cacheDir(env)).toMatch(expected);
});

test.each([
  ['go1.25.9', false],
  ['go1.26.0\n', true],
  ['go1.27rc1', true],
  ['go2.0', true],
  ['', false],
  ['devel +abc', false],
])('a host Go that says %j builds the tools: %s', (said, expected) => {
  expect(isNewEnough(said)).toBe(expected);
});

describe('checksumOf', () => {
  const sum = 'a'.repeat(64);
  const other = 'b'.repeat(64);

  test.each<[string, string, string | undefined]>([
    ['a bare checksum', `${sum}\n`, sum],
    ['the line of the file among others', `${other}  other\n${sum}  tool.tgz\n`, sum],
    ['a name with the mark of binary mode', `${sum} *./tool.tgz`, sum],
    ['no line of the file', `${other}  other`, undefined],
    ['a page that is no checksum', '<html>moved</html>', undefined],
    ['a checksum that is cut off', `${sum.slice(1)}  tool.tgz`, undefined],
  ])('reads %s', (_, text, expected) => {
    expect(checksumOf(text, 'tool.tgz')).toBe(expected);
  });
});
