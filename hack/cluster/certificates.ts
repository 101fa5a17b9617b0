import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../toolchain/command.ts';

/** Each component talks to the API server under its own name, so that the audit log tells who did what. */
const CLIENTS = {
  admin: { commonName: 'orderplane-admin', organization: 'system:masters' },
  'kube-controller-manager': { commonName: 'system:kube-controller-manager' },
  'kube-scheduler': { commonName: 'system:kube-scheduler' },
  'kube-proxy': { commonName: 'system:kube-proxy' },
  coredns: { commonName: 'orderplane:coredns' },
  'volume-provisioner': { commonName: 'orderplane:volume-provisioner' },
  'apiserver-kubelet-client': { commonName: 'kube-apiserver-kubelet-client', organization: 'system:masters' },
} as const;

export type ClientName = keyof typeof CLIENTS | 'kubelet';

export interface KeyPair {
  certificate: string;
  key: string;
}

export interface Pki {
  ca: KeyPair;
  server: KeyPair;
  serviceAccountKey: string;
  client(name: ClientName): KeyPair;
}

export interface PkiOptions {
  serverHosts: readonly string[];
  serverAddresses: readonly string[];
  /** Which client certificates to make; every known one if left out. */
  clients?: readonly ClientName[];
  nodeName?: string;
}

const VALID_DAYS = '3650';
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];

/**
 * The certificates of a cluster, as files in `dir`. They are made once: the directory appears complete or not at all, so an
 * interrupted run leaves nothing that looks like one. Not to be called twice at once for the same directory.
 */
export async function ensurePki(dir: string, options: PkiOptions): Promise<Pki> {
  if (!existsSync(dir)) {
    const partial = `${dir}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true, mode: 0o700 });
    await makePki(partial, options);
    await rename(partial, dir);
  }
  return pkiAt(dir);
}

export function pkiAt(dir: string): Pki {
  const pair = (name: string): KeyPair => ({ certificate: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) });
  return { ca: pair('ca'), server: pair('server'), serviceAccountKey: pair('service-account').key, client: pair };
}

async function makePki(dir: string, options: PkiOptions): Promise<void> {
  const pki = pkiAt(dir);
  await openssl('req', '-x509', ...NEW_KEY, {
    days: VALID_DAYS,
    subj: '/CN=orderplane-ca',
    keyout: pki.ca.key,
    out: pki.ca.certificate,
    addext: ['keyUsage=critical,digitalSignature,keyCertSign,cRLSign'],
  });
  const names = options.clients ?? [...(Object.keys(CLIENTS) as ClientName[]), 'kubelet'];
  await Promise.all([
    openssl('ecparam', '-genkey', '-noout', { name: 'prime256v1', out: pki.serviceAccountKey }),
    issue(pki, pki.server, '/CN=kube-apiserver', 'serverAuth', [
      ...options.serverHosts.map((host) => `DNS:${host}`),
      ...options.serverAddresses.map((address) => `IP:${address}`),
    ]),
    ...names.map((name) => issue(pki, pki.client(name), subjectOf(name, options.nodeName), 'clientAuth', [])),
  ]);
}

function subjectOf(name: ClientName, nodeName = 'node'): string {
  if (name === 'kubelet') return `/O=system:nodes/CN=system:node:${nodeName}`;
  const client: { commonName: string; organization?: string } = CLIENTS[name];
  return `${client.organization ? `/O=${client.organization}` : ''}/CN=${client.commonName}`;
}

async function issue(
  pki: Pki,
  target: KeyPair,
  subject: string,
  usage: string,
  names: readonly string[],
): Promise<void> {
  await openssl('req', '-x509', ...NEW_KEY, {
    CA: pki.ca.certificate,
    CAkey: pki.ca.key,
    days: VALID_DAYS,
    subj: subject,
    keyout: target.key,
    out: target.certificate,
    addext: [
      'basicConstraints=critical,CA:false',
      `extendedKeyUsage=${usage}`,
      ...(names.length > 0 ? [`subjectAltName=${names.join(',')}`] : []),
    ],
  });
}

type OpensslOptions = Record<string, string | readonly string[]>;

/** Words as they are, then options by name; one with several values is given once for each. */
async function openssl(...args: [...words: string[], options: OpensslOptions]): Promise<void> {
  const words = args.slice(0, -1) as string[];
  const options = Object.entries(args.at(-1) as OpensslOptions);
  await runCommand('openssl', [
    ...words,
    ...options.flatMap(([name, value]) => [value].flat().flatMap((one) => [`-${name}`, one])),
  ]);
}
