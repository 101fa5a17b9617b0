import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { RELEASE } from './release.ts';

test("the services' release is the package's version", () => {
  const manifest = readFileSync(new URL('package.json', import.meta.url), 'utf8');
  expect(JSON.parse(manifest)).toMatchObject({ version: RELEASE });
});
