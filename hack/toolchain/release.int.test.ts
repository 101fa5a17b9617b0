import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchRelease } from './release.ts';

const files = new Map<string, string | Buffer>();
let server: Server;
let base: string;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orderplane-release-'));
  files.clear();
  server = createServer((request, response) => {
    const content = files.get(request.url ?? '');
    response.writeHead(content === undefined ? 404 : 200).end(content);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
const exists = (path: string) => access(path).then(() => true, () => false); // prettier-ignore
const fetchTool = (member?: string) =>
  fetchRelease({ url: `${base}/tool`, checksumUrl: `${base}/tool.sha256`, member }, join(folder, 'tool'));

test('a binary whose checksum is right is placed, executable', async () => {
  files.set('/tool', 'binary').set('/tool.sha256', sha256('binary'));
  expect(await fetchTool()).toBe(true);
  expect(await readFile(join(folder, 'tool'), 'utf8')).toBe('binary');
  expect((await stat(join(folder, 'tool'))).mode & 0o777).toBe(0o755);
});

test('a binary is taken out of its archive', async () => {
  await mkdir(join(folder, 'source', 'tool-v1'), { recursive: true });
  await writeFile(join(folder, 'source', 'tool-v1', 'program'), 'binary');
  const archive = execFileSync('tar', ['-cz', '-C', join(folder, 'source'), 'tool-v1']);
  files.set('/tool', archive).set('/tool.sha256', `${sha256(archive)}  tool`);
  expect(await fetchTool('tool-v1/program')).toBe(true);
  expect(await readFile(join(folder, 'tool'), 'utf8')).toBe('binary');
});

test('a binary whose checksum is wrong is refused, not built around', async () => {
  files.set('/tool', 'tampered with').set('/tool.sha256', sha256('binary'));
  await expect(fetchTool()).rejects.toThrow(/its SHA-256 is/);
  expect(await exists(join(folder, 'tool'))).toBe(false);
});

test('where nothing is published, the caller builds', async () => {
  expect(await fetchTool()).toBe(false);
});
