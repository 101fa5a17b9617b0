import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stringify } from 'yaml';
import { findCluster } from './kubeconfig.ts';

let folder: string;
const before = process.env.KUBECONFIG;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orderplane-kubeconfig-'));
  await Promise.all(['ca', 'cert', 'key', 'token'].map((name) => writeFile(join(folder, name), `content of ${name}`)));
});

afterAll(async () => {
  if (before === undefined) delete process.env.KUBECONFIG;
  else process.env.KUBECONFIG = before;
  await rm(folder, { recursive: true, force: true });
});

async function kubeconfig(name: string, cluster: object, user: object, context = name): Promise<string> {
  const path = join(folder, `${name}.yaml`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': context,
    contexts: [{ name: context, context: { cluster: 'c', user: 'u', namespace: `${name}-ns` } }],
    clusters: [{ name: 'c', cluster: { server: `https://${name}:6443`, ...cluster } }],
    users: [{ name: 'u', user }],
  };
  await writeFile(path, stringify(config));
  return path;
}

type Asked = Pick<KubeConfig, 'applyToHTTPSOptions' | 'getCurrentCluster'>;

/** What matters of what a KubeConfig adds to a request; text, whatever it came as. */
async function added(config: Asked) {
  const options: Record<string, unknown> = { headers: {} };
  await config.applyToHTTPSOptions(options as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
  const { ca, cert, key, rejectUnauthorized, servername, auth, headers } = options;
  const texts = [ca, cert, key].map((value) => (value as string | Buffer | undefined)?.toString());
  const lowerCase = Object.entries(headers as object).map(([name, value]) => [name.toLowerCase(), value]);
  return { texts, rejectUnauthorized, servername, auth, headers: Object.fromEntries(lowerCase) };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a login means what it means to client-node:', () => {
  test.each<[string, object, object]>([
    ['certificates in the file', { 'certificate-authority-data': base64('ca') }, { 'client-certificate-data': base64('cert'), 'client-key-data': base64('key') }],
    ['certificates beside the file', { 'certificate-authority': 'ca' }, { 'client-certificate': 'cert', 'client-key': 'key' }],
    ['a token', {}, { token: 'secret' }],
    ['a password', {}, { username: 'ann', password: 'secret' }],
    ['a server of another name', { 'tls-server-name': 'other', 'insecure-skip-tls-verify': true }, { token: 'secret' }],
  ])('%s', async (name, cluster, user) => {
    const path = await kubeconfig(name.replaceAll(' ', '-'), cluster, user);
    const reference = new KubeConfig();
    reference.loadFromFile(path);
    const { source, server, namespace, context } = await findCluster({ path });
    expect(await added(source as unknown as Asked)).toEqual(await added(reference));
    expect([server, namespace, context]).toEqual([
      reference.getCurrentCluster()?.server,
      reference.getContextObject(reference.getCurrentContext())?.namespace,
      reference.getCurrentContext(),
    ]);
  }); // prettier-ignore
});

test('a token in a file is read anew for each login', async () => {
  const path = await kubeconfig('rotating', {}, { tokenFile: 'token' });
  const { source } = await findCluster({ path });
  expect((await added(source as unknown as Asked)).headers).toEqual({ authorization: 'Bearer content of token' });
  await writeFile(join(folder, 'token'), 'another');
  expect((await added(source as unknown as Asked)).headers).toEqual({ authorization: 'Bearer another' });
});

test('what only client-node understands is left to it', async () => {
  const path = await kubeconfig(
    'exec',
    {},
    { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'login' } },
  );
  expect((await findCluster({ path })).source).toEqual({ path, context: 'exec' });
});

test('of the files in KUBECONFIG the first to name a current context wins, and all contexts are known', async () => {
  const paths = [await kubeconfig('first', {}, {}), join(folder, 'missing'), await kubeconfig('second', {}, {})];
  process.env.KUBECONFIG = paths.join(delimiter);
  expect((await findCluster({})).context).toBe('first');
  expect((await findCluster({ context: 'second' })).namespace).toBe('second-ns');
  await expect(findCluster({ context: 'third' })).rejects.toThrow('there is no context "third": choose one of first, second'); // prettier-ignore
  process.env.KUBECONFIG = join(folder, 'missing');
  await expect(findCluster({})).rejects.toThrow('there is no kubeconfig at');
});
