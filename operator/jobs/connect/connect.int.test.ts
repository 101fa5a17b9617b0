import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chownSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect as connectToNats } from '@nats-io/transport-node';
import { ensurePki, type Pki } from '@orderplane/hack/cluster/certificates.ts';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { startNats } from '@orderplane/hack/testing/nats.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { runProvision } from '../provision/index.ts';
import { runHere } from '../testing/run-job.ts';
import { runConnect } from './index.ts';
import { NOTE } from './nats.ts';

let folder: string;
let pki: Pki;
let otherPki: Pki;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let mongo: Awaited<ReturnType<typeof startMongo>>;
let nats: Awaited<ReturnType<typeof startNats>>;
let plainNats: Awaited<ReturnType<typeof startNats>>;

const NOBODY = 65534;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orderplane-connect-'));
  await chmod(folder, 0o755);
  const makePki = async (name: string) => {
    const hosts = { serverHosts: ['localhost'], serverAddresses: ['127.0.0.1'], clients: [] };
    const made = await ensurePki(join(folder, name), hosts);
    await chmod(join(folder, name), 0o755);
    return made;
  };
  [pki, otherPki] = [await makePki('pki'), await makePki('other')];
  // Postgres wants its key to be its own.
  if (process.getuid?.() === 0) chownSync(pki.server.key, NOBODY, NOBODY);
  const { certificate, key } = pki.server;
  const tls = `tls { cert_file: ${JSON.stringify(certificate)}, key_file: ${JSON.stringify(key)} }`;
  const users = 'authorization { users: [{ user: shop, password: secret }] }';
  [postgres, mongo, nats, plainNats] = await Promise.all([
    startPostgres({ settings: { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key } }),
    startMongo(),
    startNats({ configText: `${tls}\n${users}` }),
    startNats({ configText: users }),
  ]);
}, 60_000);

afterAll(async () => {
  await Promise.all([postgres, mongo, nats, plainNats].map((server) => server?.stop()));
  await rm(folder, { recursive: true, force: true });
});

type Backend = 'postgres' | 'mongo' | 'nats';

function connect(backend: Backend, uri: string, authority?: string) {
  const logins = [{ who: 'service orders', secret: 'shop-orders', variable: 'LOGIN_1_URI' }];
  const env = { LOGIN_1_URI: uri, LOGIN_1_CA_FILE: authority ?? join(folder, 'none') };
  return runHere(runConnect, { backend, logins }, env);
}

const at = (uri: string, changes: Partial<URL>) => Object.assign(new URL(uri), changes).href;
const natsUri = (server: { port: number }, login = 'shop:secret') => `nats://${login}@127.0.0.1:${server.port}`;

describe('a login works', () => {
  test.each<[string, () => Promise<object>]>([
    ['without TLS', () => connect('postgres', postgres.uri)],
    ['to MongoDB', () => connect('mongo', mongo.uri)],
    ['to NATS', () => connect('nats', natsUri(plainNats))],
    ['to Postgres, whose authority is known', () => connect('postgres', postgres.uri, pki.ca.certificate)],
    ['to NATS, whose authority is known', () => connect('nats', natsUri(nats), pki.ca.certificate)],
  ])('%s', async (_, attempt) => {
    expect(await attempt()).toEqual({ ok: true, logins: 1 });
  });
});

describe('what is wrong is named:', () => {
  test.each<[string, () => Promise<object>, string, RegExp]>([
    ['a wrong password of Postgres', () => connect('postgres', at(postgres.uri, { password: 'wrong-password' })), 'AuthenticationFailed', /^Postgres at 127\.0\.0\.1:\d+ refuses the login of service orders: correct the uri in Secret shop-orders$/],
    ['a wrong password of MongoDB', () => connect('mongo', at(mongo.uri, { password: 'wrong-password' })), 'AuthenticationFailed', /^MongoDB at .* refuses the login of service orders/],
    ['a wrong password of NATS', () => connect('nats', natsUri(plainNats, 'shop:wrong-password')), 'AuthenticationFailed', /^NATS at .* refuses the login of service orders/],
    ['a host that is not there', () => connect('postgres', at(postgres.uri, { hostname: 'db.invalid' })), 'Unreachable', /^Postgres at db\.invalid:\d+ cannot be reached: .*(ENOTFOUND|EAI_AGAIN)/],
    ['a port that nobody listens on', () => connect('nats', 'nats://127.0.0.1:1'), 'Unreachable', /^NATS at 127\.0\.0\.1:1 cannot be reached/],
    ['a MongoDB that is not there', () => connect('mongo', 'mongodb://root:secret@127.0.0.1:1/?serverSelectionTimeoutMS=500'), 'Unreachable', /^MongoDB at 127\.0\.0\.1:1 cannot be reached/],
    ['a certificate of an authority that nobody knows', () => connect('postgres', `${postgres.uri}?sslmode=verify-full`), 'TlsFailed', /cannot be trusted: .*\(the key ca\.crt of Secret shop-orders is to hold/],
    ['a certificate of another authority', () => connect('postgres', postgres.uri, otherPki.ca.certificate), 'TlsFailed', /cannot be trusted/],
    ['a broker of another authority', () => connect('nats', natsUri(nats), otherPki.ca.certificate), 'TlsFailed', /^NATS at .* cannot be trusted/],
    ['TLS with a server that has none', () => connect('nats', natsUri(plainNats), pki.ca.certificate), 'TlsFailed', /./],
  ])('%s', async (_, attempt, reason, message) => {
    const result = await attempt();
    expect(result).toMatchObject({ ok: false, reason, message: expect.stringMatching(message) });
    expect(JSON.stringify(result)).not.toContain('wrong-password');
  }, 30_000); // prettier-ignore
});

test('a broker is of one platform, until somebody hands it over', async () => {
  const login = { who: 'service orders', secret: 'shop-orders', variable: 'LOGIN_1_URI' };
  const env = { LOGIN_1_URI: natsUri(plainNats), LOGIN_1_CA_FILE: join(folder, 'none') };
  const take = (platform: string) => runHere(runConnect, { backend: 'nats', logins: [login], platform }, env);
  const both = await Promise.all([take('a/shop'), take('b/shop')]);
  const [winner, loser] = both[0]?.ok ? ['a/shop', 'b/shop'] : ['b/shop', 'a/shop'];
  expect(both.filter(({ ok }) => ok)).toHaveLength(1);
  expect(await take(winner)).toMatchObject({ ok: true });
  const message = expect.stringMatching(new RegExp(`is of OrderPlatform ${winner}.* hand the broker over: nats stream rm ${NOTE}$`)); // prettier-ignore
  expect(await take(loser)).toMatchObject({ ok: false, reason: 'BrokerTaken', message });

  const { host } = new URL(natsUri(plainNats));
  const connection = await connectToNats({ servers: host, user: 'shop', pass: 'secret' });
  await (await jetstreamManager(connection)).streams.delete(NOTE);
  await connection.close();
  expect(await take(loser)).toMatchObject({ ok: true });
});

test('every Job that works on an external server trusts its authority, as an administrator too', async () => {
  const input = { postgres: { databases: [{ name: 'reports', owner: 'reports_owner' }], roles: [] } };
  const env = { POSTGRES_ADMIN_URI: `${postgres.uri}?sslmode=verify-full`, POSTGRES_ADMIN_CA_FILE: pki.ca.certificate };
  expect(await runHere(runProvision, input, env)).toMatchObject({ ok: true });
});
