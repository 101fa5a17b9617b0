import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigMaps, createClient } from '@orderplane/operator/runtime/index.ts';
import { silentProgress } from '../progress.ts';
import { startControlPlane, type ControlPlane } from '../testing/control-plane.ts';
import { contextProvider, embeddedProvider } from './index.ts';
import { clusterLayout } from './layout.ts';
import { freePorts } from './ports.ts';
import { currentState } from './status.ts';

describe('the provider of an existing context', () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane({ name: 'theirs' });
  }, 60_000);

  afterAll(() => plane.stop());

  test('takes a cluster that it can reach with enough rights', async () => {
    const cluster = await contextProvider('theirs', plane.kubeconfig).up({}, silentProgress);
    expect(cluster).toMatchObject({ name: 'theirs', context: 'theirs', kubeconfigPath: plane.kubeconfig });
  });

  test('names the rights that a user lacks', async () => {
    const config = JSON.parse(await readFile(plane.kubeconfig, 'utf8'));
    Object.assign(config.users[0].user, { as: 'nobody-special', 'as-groups': ['system:authenticated'] });
    const path = join(plane.kubeconfig, '..', 'nobody.kubeconfig');
    await writeFile(path, JSON.stringify(config));
    await expect(contextProvider('theirs', path).up({}, silentProgress)).rejects.toThrow(
      /may not: create customresourcedefinitions, create clusterroles, /,
    );
  });

  test('says that a cluster cannot be reached, and which', async () => {
    const [port] = await freePorts(1);
    const config = JSON.parse(await readFile(plane.kubeconfig, 'utf8'));
    config.clusters[0].cluster.server = `https://127.0.0.1:${port}`;
    const path = join(plane.kubeconfig, '..', 'nowhere.kubeconfig');
    await writeFile(path, JSON.stringify(config));
    await expect(contextProvider('theirs', path).up({}, silentProgress)).rejects.toThrow(
      /the cluster of context "theirs" cannot be reached: .*ECONNREFUSED/,
    );
  }, 60_000);
});

describe('an embedded cluster of tier control-plane', () => {
  let folder: string;
  let home: string;

  const provider = (name: string) => embeddedProvider({ name, home, userKubeconfig: join(folder, 'kubeconfig') });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orderplane-cluster-'));
    home = join(folder, 'home');
  });

  afterAll(async () => {
    await provider('plane').down(silentProgress);
    await rm(folder, { recursive: true, force: true });
  }, 30_000);

  test('comes up once for two callers at the same time, keeps its objects over a kill -9, and goes without a trace', async () => {
    const options = { tier: 'control-plane', fsync: false } as const;
    const [cluster] = await Promise.all([
      provider('plane').up(options, silentProgress),
      provider('plane').up(options, silentProgress),
    ]);
    const client = createClient({ kubeconfig: { path: cluster.kubeconfigPath, context: cluster.context } });
    await client.create(ConfigMaps, { metadata: { name: 'kept', namespace: 'default' } });

    process.kill((await currentState(clusterLayout('plane', home)))?.daemonPid as number, 'SIGKILL');
    await provider('plane').up({}, silentProgress);
    expect(await client.get(ConfigMaps, { namespace: 'default', name: 'kept' })).toBeDefined();
    await client.close();

    await provider('plane').down(silentProgress);
    expect(await readdir(folder)).toEqual([]);
  }, 60_000);

  test('is not turned into a node under way', async () => {
    await provider('plane').up({ tier: 'control-plane', fsync: false }, silentProgress);
    await expect(provider('plane').up({ tier: 'node' }, silentProgress)).rejects.toThrow(
      /is of tier control-plane: remove it first/,
    );
  }, 60_000);

  test('names the program that holds a port, before anything starts', async () => {
    const [listen = 0] = await freePorts(1);
    const server: Server = createServer();
    await new Promise<void>((resolve) => server.listen(listen, '127.0.0.1', resolve));
    const forwards = [{ listen, namespace: 'shop', service: 'shop-gateway', port: 8080 }];

    const attempt = provider('other').up({ tier: 'control-plane', forwards }, silentProgress);

    await expect(attempt).rejects.toThrow(new RegExp(`port ${listen} of localhost is in use by .*pid ${process.pid}`));
    expect((await provider('other').status()).phase).toBe('absent');
    await new Promise((resolve) => server.close(resolve));
  });
});
