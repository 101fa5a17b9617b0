import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigMaps, createClient, type Client } from '@orderplane/operator/runtime/index.ts';
import { isFree } from '../cluster/ports.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';

const connect = (kubeconfig: string): Client => createClient({ kubeconfig: { path: kubeconfig }, userAgent: 'test' });

describe('startControlPlane', () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane({ audit: true });
  }, 60_000);

  afterAll(async () => {
    await plane.stop();
  });

  test('keeps its objects over a kill -9 and is reached at the same address', async () => {
    const client = connect(plane.kubeconfig);
    await client.create(ConfigMaps, { metadata: { name: 'kept', namespace: 'default' }, data: { colour: 'green' } });

    await plane.restart();

    const read = await client.get(ConfigMaps, { namespace: 'default', name: 'kept' });
    expect(read?.data).toEqual({ colour: 'green' });
    await client.close();
  }, 60_000);

  test('records each request once in the audit log, with who sent it', async () => {
    const client = connect(plane.kubeconfig);
    await client.create(ConfigMaps, { metadata: { name: 'audited', namespace: 'default' } });
    await client.close();

    const lines = (await readFile(plane.auditLogPath as string, 'utf8')).trim().split('\n');
    const entries = lines.map((line) => JSON.parse(line)).filter((entry) => entry.objectRef?.name === 'audited');
    expect(entries.map((entry) => [entry.verb, entry.stage, entry.user.username, entry.userAgent])).toEqual([
      ['create', 'ResponseComplete', 'orderplane-admin', 'test'],
    ]);
  });
});

test('nothing outlives a killed parent', async () => {
  const program = `
    import { startControlPlane } from ${JSON.stringify(join(import.meta.dirname, 'control-plane.ts'))};
    console.log((await startControlPlane()).kubeconfig);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kubeconfig = await new Promise<string>((resolve) =>
    parent.stdout.once('data', (line: Buffer) => resolve(String(line).trim())),
  );
  const server = JSON.parse(await readFile(kubeconfig, 'utf8')).clusters[0].cluster.server as string;
  const { port } = new URL(server);
  expect(await isFree(Number(port))).toBe(false);

  parent.kill('SIGKILL');
  await new Promise((resolve) => parent.once('exit', resolve));

  const next = await startControlPlane();
  await next.stop();
  expect(await isFree(Number(port))).toBe(true);
  expect(existsSync(dirname(kubeconfig))).toBe(false);
}, 60_000);
