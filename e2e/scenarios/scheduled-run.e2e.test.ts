/** A service that runs every minute writes to a volume what a server reads from it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import type { KubeObject } from '@orderplane/operator/runtime/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { eventually } from '../harness/eventually.ts';
import { platformHandle, testNamespace } from '../harness/platform.ts';

const PORT = 9000;
const API_KEY = 'of-the-source';

const cluster = await openCluster();
const namespace = await testNamespace(cluster, 'scheduled');
const platform = platformHandle(cluster, { namespace, name: 'shop' });

afterAll(async () => {
  await cluster.dropNamespace(namespace);
  await cluster.close();
});

interface Run {
  readonly pod: string;
  readonly region: string;
  readonly apiKey: string;
  readonly database: string;
}

const FETCHES = `const { HOSTNAME: pod, REGION: region, API_KEY: apiKey, POSTGRES_URI: database } = process.env;
require('fs').writeFileSync('/data/' + pod, JSON.stringify({ pod, region, apiKey, database }));`;
const SERVES = `const { readdirSync, readFileSync, writeFileSync } = require('fs');
process.on('SIGTERM', () => process.exit());
const runs = () => readdirSync('/datasets').filter((name) => name.startsWith('shop-')).map((name) => JSON.parse(readFileSync('/datasets/' + name)));
const write = () => { try { writeFileSync('/datasets/mine', ''); return 'written'; } catch ({ code }) { return code; } };
require('http').createServer(({ url }, answer) => answer.end(JSON.stringify(url === '/write' ? write() : runs()))).listen(${PORT});`;
const manifest = (apiVersion: string, kind: string, name: string, fields: object) =>
  ({ apiVersion, kind, metadata: { name, namespace }, ...fields }) as KubeObject;
const program = (text: string) => ({ image: cluster.ownServiceImage, command: ['node', '-e', text] });

beforeAll(async () => {
  const env = [
    { name: 'REGION', value: 'eu' },
    { name: 'API_KEY', valueFrom: { secretKeyRef: { name: 'source', key: 'key' } } },
  ];
  const database = { postgres: { database: 'datasets', access: 'ReadWrite' } };
  const datasets = (fields: object) => ({ volume: { name: 'datasets', ...fields } });
  const everyMinute = { type: 'CronJob', schedule: '* * * * *' };
  const spec = {
    stores: { postgres: { managed: { storage: '1Gi' } } },
    volumes: [{ name: 'datasets', storage: '1Gi' }],
    services: [
      { name: 'fetch', ...program(FETCHES), ...everyMinute, env, needs: [database, datasets({ mountPath: '/data' })] },
      { name: 'api', ...program(SERVES), port: PORT, needs: [datasets({ mountPath: '/datasets', readOnly: true })] },
    ],
  };
  await cluster.apply([
    manifest('v1', 'Secret', 'source', { stringData: { key: API_KEY } }),
    manifest('orderplane.dev/v1alpha1', 'OrderPlatform', 'shop', { spec }),
  ]);
  await platform.waitReady();
}, 200_000);

const ask = async (path: string) =>
  (await fetch(`http://${await platform.serviceAddress('shop-api')}:${PORT}${path}`)).json();

test('the run of the next minute has what its service is given, and its login opens the database', async () => {
  const started = performance.now();
  const [run] = await eventually(async () => ((await ask('/')) as Run[]).length > 0 && ((await ask('/')) as Run[]), {
    timeoutMs: 90_000,
    everyMs: 500,
    what: 'the file of a run, as the server sees it',
  });
  figure('Ready → the first scheduled run has written', `${((performance.now() - started) / 1000).toFixed(0)} s`);
  expect(run).toMatchObject({ pod: expect.stringMatching(/^shop-fetch-\d+-/), region: 'eu', apiKey: API_KEY });

  const uri = new URL(run?.database ?? '');
  uri.hostname = await platform.serviceAddress('shop-postgres');
  const client = new pg.Client({ connectionString: uri.href });
  await client.connect();
  const { rows } = await client.query('select current_user as role, current_database() as database');
  await client.end();
  expect(rows).toEqual([{ role: 'fetch_1', database: 'datasets' }]);
}, 120_000);

test('a service that only reads the volume cannot write to it', async () => {
  expect(await ask('/write')).toBe('EROFS');
});
