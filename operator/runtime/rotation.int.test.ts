import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { pkiAt, type Pki } from '../../hack/cluster/certificates.ts';
import { startControlPlane, type ControlPlane } from '../../hack/testing/control-plane.ts';
import { createClient, type Client } from './client.ts';
import { realClock } from './clock.ts';
import { loadCredentials } from './credentials.ts';
import { ConfigMaps, ServiceAccounts } from './known-resources.ts';
import { silentLogger } from './log.ts';
import { createTransport, type Transport } from './transport.ts';

jest.setTimeout(30_000);

let controlPlane: ControlPlane;
let pki: Pki;
let admin: Client;
let folder: string;
let transport: Transport | undefined;
let skippedMs: number;
const clock = { ...realClock, elapsed: () => realClock.elapsed() + skippedMs };
const environment = { ...process.env };

beforeAll(async () => {
  controlPlane = await startControlPlane();
  pki = pkiAt(join(dirname(controlPlane.kubeconfig), 'pki'));
  admin = createClient({ kubeconfig: { path: controlPlane.kubeconfig } });
}, 120_000);

afterAll(async () => {
  await admin.close();
  await controlPlane.stop();
});

beforeEach(async () => {
  skippedMs = 0;
  folder = await mkdtemp(join(tmpdir(), 'rotation-'));
});

afterEach(async () => {
  await transport?.close();
  process.env = { ...environment };
  await rm(folder, { recursive: true });
});

async function whoAmI(): Promise<string> {
  const answer = await transport!.request({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  return JSON.parse(answer).status.userInfo.username;
}

async function tokenOf(name: string): Promise<string> {
  await admin.apply(ServiceAccounts, { metadata: { name, namespace: 'default' } });
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const path = `/api/v1/namespaces/default/serviceaccounts/${name}/token`;
  return JSON.parse(await admin.raw(path, { method: 'POST', body })).status.token;
}

describe('in a pod', () => {
  const put = (file: string, content: string | Buffer) => writeFile(join(folder, file), content);

  async function connect(): Promise<void> {
    const { hostname, port } = new URL(controlPlane.server);
    Object.assign(process.env, { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port });
    delete process.env.KUBECONFIG;
    const credentials = await loadCredentials({}, { clock, serviceAccount: folder });
    transport = createTransport(credentials, { userAgent: 'test', log: silentLogger });
  }

  test('a new token is used within 30 s, and at once when the old one is refused', async () => {
    await put('ca.crt', await readFile(pki.ca.certificate));
    await put('token', await tokenOf('first'));
    await connect();
    expect(await whoAmI()).toBe('system:serviceaccount:default:first');
    await put('token', `${await tokenOf('second')}\n`);
    expect(await whoAmI()).toBe('system:serviceaccount:default:first');
    skippedMs += 31_000;
    expect(await whoAmI()).toBe('system:serviceaccount:default:second');

    await put('token', 'not a token');
    skippedMs += 31_000;
    await expect(whoAmI()).rejects.toMatchObject({ status: 401 });
    await put('token', await tokenOf('third'));
    expect(await whoAmI()).toBe('system:serviceaccount:default:third');
  });

  test('what was read last is used while a file is missing', async () => {
    await put('ca.crt', await readFile(pki.ca.certificate));
    await put('token', await tokenOf('first'));
    await connect();
    expect(await whoAmI()).toBe('system:serviceaccount:default:first');
    await rm(join(folder, 'token'));
    skippedMs += 31_000;
    expect(await whoAmI()).toBe('system:serviceaccount:default:first');
  });

  test('a server that the old authority does not vouch for is trusted once the new one is there', async () => {
    await put('ca.crt', await readFile(pki.client('admin').certificate));
    await put('token', await tokenOf('first'));
    await connect();
    await expect(whoAmI()).rejects.toThrow(/certificate/);
    await put('ca.crt', await readFile(pki.ca.certificate));
    expect(await whoAmI()).toBe('system:serviceaccount:default:first');
  });
});

test('with a kubeconfig, requests and watches move to the new client certificate', async () => {
  const files = { certificate: join(folder, 'client.crt'), key: join(folder, 'client.key') };
  const become = async (name: 'admin' | 'kube-controller-manager') => {
    await writeFile(files.certificate, await readFile(pki.client(name).certificate));
    await writeFile(files.key, await readFile(pki.client(name).key));
  };
  await become('admin');
  const path = join(folder, 'kubeconfig');
  const user = { 'client-certificate': files.certificate, 'client-key': files.key };
  await writeFile(
    path,
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: controlPlane.server, 'certificate-authority': pki.ca.certificate } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  transport = createTransport(await loadCredentials({ path }, { clock }), { userAgent: 'test', log: silentLogger });
  expect(await whoAmI()).toBe('orderplane-admin');
  const { resourceVersion } = await admin.list(ConfigMaps, { namespace: 'default' });
  const watch = await transport.stream({
    method: 'GET',
    path: '/api/v1/namespaces/default/configmaps',
    query: { watch: true, resourceVersion },
    idleMs: 60_000,
  });
  let isWatching = true;
  const watched = (async () => {
    for await (const _ of watch);
  })().finally(() => (isWatching = false));
  const broken = expect(watched).rejects.toThrow('the certificates changed');

  skippedMs += 31_000;
  expect(await whoAmI()).toBe('orderplane-admin'); // the same certificate read again breaks nothing
  await become('kube-controller-manager');
  skippedMs += 31_000;
  expect(isWatching).toBe(true);
  expect(await whoAmI()).toBe('system:kube-controller-manager');
  await broken;
});
