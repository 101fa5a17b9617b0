import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentProgress } from '../progress.ts';
import { bundlePrograms, type Program } from './bundle.ts';

let folder: string;
let program: Program;
const file = (...names: string[]) => join(folder, ...names);
const bundle = () => bundlePrograms(file('dist'), 'services', [program], silentProgress);
const bundled = () => file('dist', 'services', 'shop', 'server.mjs');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orderplane-bundle-'));
  await mkdir(file('migrations'));
  await writeFile(file('migrations', '0001_a.up.sql'), 'select 1;');
  await writeFile(
    file('server.ts'),
    `import { word } from './word.ts'; console.log(word, require('node:path').sep, __dirname === import.meta.dirname);`,
  );
  await writeFile(file('word.ts'), `export const word: string = 'one';`);
  program = { entry: file('server.ts'), output: 'shop/server.mjs', folders: { migrations: file('migrations') } };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a bundle runs by itself, with what CommonJS dependencies expect to find', async () => {
  await bundle();
  await rm(file('word.ts'));
  expect(execFileSync(process.execPath, [bundled()], { encoding: 'utf8' })).toBe('one / true\n');
  expect(await readFile(file('dist', 'services', 'shop', 'migrations', '0001_a.up.sql'), 'utf8')).toBe('select 1;');
});

test('unchanged inputs are not bundled again', async () => {
  const key = await bundle();
  const { ino } = await stat(bundled());
  expect(await bundle()).toBe(key);
  expect((await stat(bundled())).ino).toBe(ino);
});

test.each([
  ['an imported file is edited', 'word.ts', `export const word = 'two';`],
  ['a migration is edited', 'migrations/0001_a.up.sql', 'select 2;'],
  ['a migration is added', 'migrations/0002_b.up.sql', 'select 2;'],
])('the key changes, and the bundle with it, when %s', async (_, name, content) => {
  const key = await bundle();
  const { ino } = await stat(bundled());
  await writeFile(file(name), content);
  expect(await bundle()).not.toBe(key);
  expect((await stat(bundled())).ino).not.toBe(ino);
});

test('a failed bundle leaves the one before it in place', async () => {
  await bundle();
  await writeFile(file('word.ts'), 'export const word = ;');
  await expect(bundle()).rejects.toThrow(/word\.ts/);
  expect(execFileSync(process.execPath, [bundled()], { encoding: 'utf8' })).toBe('one / true\n');
});
