import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningOperator, TestCluster } from '../testing/cluster.ts';
import { startMortalOperator } from './mortal-operator.ts';

test('an operator that is struck while it ends is not replaced', async () => {
  const arrived = Promise.withResolvers<ServerResponse>();
  const server = createServer((_, answer) => arrived.resolve(answer)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = await mkdtemp(join(tmpdir(), 'orderplane-mortal-'));
  const operatorKubeconfig = join(folder, 'kubeconfig');
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cluster = { server: upstream, 'certificate-authority-data': '' };
  await writeFile(operatorKubeconfig, JSON.stringify({ clusters: [{ name: 'test', cluster }] }));

  const started: string[] = [];
  const startOperator: TestCluster['startOperator'] = (_images, _renderer, options) => {
    started.push(options?.kubeconfig ?? '');
    return { idle: async () => {}, kill: async () => {}, close: async () => {} } satisfies RunningOperator;
  };
  const fault = { at: 'create secrets one', occurrence: 1, kind: 'diesAfter' } as const;
  const operator = await startMortalOperator({ operatorKubeconfig, startOperator }, 'ns', [], fault);
  const gate = JSON.parse(await readFile(started[0] as string, 'utf8')).clusters[0].cluster.server as string;
  const write = request(`${gate}/api/v1/namespaces/ns/secrets`, { method: 'POST' });
  write.on('error', () => {});
  write.end(JSON.stringify({ metadata: { name: 'one' } }));

  const answer = await arrived.promise;
  const ended = operator.end();
  answer.end('{}');
  await ended;
  expect(operator.hasStruck()).toBe(true);
  expect(started).toHaveLength(1);
  await expect(fetch(gate)).rejects.toThrow('fetch failed');

  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});
