import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { root } from './root.ts';
import { imageReference, parseVersions, versionDrift } from './versions.ts';

const text = readFileSync(join(root, 'versions.yaml'), 'utf8');

describe('versions.yaml', () => {
  test('is valid and agrees with package.json and the go.mod files', () => {
    expect(versionDrift()).toEqual([]);
  });

  test.each([
    ['a partial version', text.replace(/^kubernetes: .*$/m, 'kubernetes: "1.35"'), /kubernetes/],
    ['an invented digest', text.replace("digest: ''", "digest: 'latest'"), /digest/],
    ['a field that nobody reads', `${text}\nextra: 1\n`, /extra/],
  ])('is refused with %s', (_, changed, message) => {
    expect(() => parseVersions(changed)).toThrow(message);
  });
});

test.each([
  ['', 'postgres:17'],
  [`sha256:${'0'.repeat(64)}`, `postgres:17@sha256:${'0'.repeat(64)}`],
])('an image with the digest %j is referred to as %s', (digest, expected) => {
  expect(imageReference({ repository: 'postgres', tag: '17', digest })).toBe(expected);
});
