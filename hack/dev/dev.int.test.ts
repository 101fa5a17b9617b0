import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  Deployments,
  Namespaces,
  Secrets,
  createClient,
  type Client,
  type Deployment,
} from '@orderplane/operator/runtime/index.ts';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../root.ts';
import { startControlPlane, type ControlPlane } from '../testing/control-plane.ts';
import { startNats, type NatsServer } from '../testing/nats.ts';
import { startPostgres, type PostgresServer } from '../testing/postgres.ts';

let cluster: ControlPlane;
let postgres: PostgresServer;
let nats: NatsServer;
let client: Client;

beforeAll(async () => {
  [cluster, postgres, nats] = await Promise.all([startControlPlane(), startPostgres(), startNats()]);
  client = createClient({ kubeconfig: { path: cluster.kubeconfig } });
  await client.create(Namespaces, { metadata: { name: 'shop' } });
  const metadata = { namespace: 'shop', name: 'shop-inventory-postgres' };
  await client.create(Secrets, { metadata, data: { uri: Buffer.from(postgres.uri).toString('base64') } });
  await client.create(
    Deployments,
    deployment('shop', 'shop-inventory', [
      { name: 'LOG_LEVEL', value: 'DEBUG' },
      { name: 'POSTGRES_URI', valueFrom: { secretKeyRef: { name: metadata.name, key: 'uri' } } },
      { name: 'BROKER_URI', value: nats.uri },
    ]),
  );
}, 120_000);
afterAll(async () => {
  await client?.close();
  await Promise.all([cluster?.stop(), postgres?.stop(), nats?.stop()]);
});

function deployment(namespace: string, name: string, env: object[]): Deployment {
  const labels = { app: name };
  const ports = [
    { name: 'grpc', containerPort: 50053 },
    { name: 'management', containerPort: 8081 },
  ];
  const containers = [{ name: 'main', image: 'none', env, ports }];
  const spec = {
    replicas: 1,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers } },
  };
  return { metadata: { namespace, name }, spec } as Deployment;
}

interface DevRun {
  process: ChildProcess;
  /** Resolves with the first line from now on that matches. */
  line(pattern: RegExp): Promise<string>;
  output(): string;
}

function dev(...args: string[]): DevRun {
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  const child = spawn(process.execPath, [join(root, 'hack', 'dev.ts'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const listener of listeners) listener(line);
    });
  }
  return {
    process: child,
    output: () => lines.join('\n'),
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const listener = (line: string): void => {
          if (!pattern.test(line)) return;
          listeners.delete(listener);
          resolve(line);
        };
        listeners.add(listener);
        child.once('exit', () => reject(new Error(`it ended before ${pattern}:\n${lines.join('\n')}`)));
      }),
  };
}

test("a service runs from source with its pods' environment, and a changed file runs at once", async () => {
  const run = dev('inventory');
  const management = await run.line(/ MANAGEMENT_PORT=/);
  await run.line(/"listening"/);
  const ready = await fetch(`http://localhost:${management.split('=')[1]}/livez`);
  expect(ready.status).toBe(200);
  expect(run.output()).toContain('LOG_LEVEL=DEBUG');
  expect(run.output()).toMatch(/POSTGRES_URI=postgres:\/\/postgres:\*\*\*@127\.0\.0\.1/);
  expect(run.output()).not.toContain(new URL(postgres.uri).password);

  const restarted = run.line(/restarted in \d+ ms/);
  await utimes(join(root, 'services', 'inventory', 'server.ts'), new Date(), new Date());
  console.log(await restarted);
  run.process.kill('SIGTERM');
  await once(run.process, 'exit');
}, 60_000);

test.each([
  ['a service that the platform does not have', ['orders'], /there is no Deployment shop\/shop-orders/],
  ['a service that this checkout does not have', ['reports'], /services\/reports\/server\.ts does not exist/],
  ['a context that is not there', ['inventory', '--context', 'nope'], /nope/],
])('says plainly what is wrong with %s', async (_, args, message) => {
  const run = dev(...args);
  const [code] = await once(run.process, 'close');
  expect(code).toBe(1);
  expect(run.output()).toMatch(message);
  expect(run.output()).not.toMatch(/\n\s+at /);
});

test('the operator does not start beside the one in the cluster, unless it is told what to do', async () => {
  await client.create(Namespaces, { metadata: { name: 'orderplane-system' } });
  await client.create(Deployments, deployment('orderplane-system', 'orderplane-operator', []));
  const run = dev();
  const [code] = await once(run.process, 'close');
  expect(code).toBe(1);
  expect(run.output()).toMatch(/--take-over .* --force/);
});
