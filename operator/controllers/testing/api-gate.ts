/** What stands between an operator and the API server: it notes every write, and lets a process die, or an answer get lost, at one of them. */
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Agent, request as send } from 'undici';
import { parse } from 'yaml';

/** A mutating request that the API server answered. */
export interface Write {
  /** Such as `create secrets shop-postgres-admin` or `apply orderplatforms/status shop`. */
  id: string;
  verb: 'create' | 'apply' | 'patch' | 'update' | 'delete';
  resource: string;
  name: string;
  namespace: string;
  status: number;
}

/**
 * What happens at a write, the `occurrence`-th of that id (from 1): the process dies before it is sent, or after the server handled it;
 * or the process lives on and only the answer is lost.
 */
export interface Fault {
  at: string;
  occurrence: number;
  kind: 'diesBefore' | 'diesAfter' | 'losesAnswer';
}

export interface ApiGate {
  /** Of the gate; the user is the one of the kubeconfig that the gate was started with. */
  kubeconfig: string;
  /** Resolves when the fault has struck. */
  struck: Promise<void>;
  hasStruck(): boolean;
  /** Breaks every connection and lets nothing through any more; resolves when the server has answered what it had got. */
  cut(): Promise<void>;
}

export interface GateOptions {
  /** A kubeconfig with a token, and where to write the gate's. */
  kubeconfig: string;
  folder: string;
  /** Writes are noted here, in the order in which the server answered. */
  writes: Write[];
  fault?: Fault | undefined;
}

let gates = 0;

export async function startApiGate({ kubeconfig, folder, writes, fault }: GateOptions): Promise<ApiGate> {
  const config = parse(await readFile(kubeconfig, 'utf8'));
  const [{ cluster }] = config.clusters;
  const upstream = new Agent({
    connect: { ca: Buffer.from(cluster['certificate-authority-data'], 'base64') },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const struck = Promise.withResolvers<void>();
  const inFlight = new Set<Promise<unknown>>();
  let isCut = false;
  let hasStruck = false;
  let seen = 0;

  function strike(server: Server, dies: boolean): void {
    hasStruck = true;
    if (dies) {
      isCut = true;
      server.closeAllConnections();
    }
    struck.resolve();
  }

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = Buffer.concat(await incoming.toArray());
    const write = writeOf(incoming, body);
    const isFaulty = write !== undefined && write.id === fault?.at && ++seen === fault.occurrence && !hasStruck;
    if (isFaulty && fault.kind === 'diesBefore') strike(server, true);
    if (isCut) return void incoming.socket.destroy();
    const ended = new AbortController();
    // The server finishes a write whether or not anybody waits for its answer; a watch ends with whoever asked for it.
    if (!write) outgoing.on('close', () => ended.abort());
    const answer = await send(`${cluster.server}${incoming.url}`, {
      dispatcher: upstream,
      method: incoming.method as 'GET',
      headers: forwarded(incoming),
      body: body.length > 0 ? body : null,
      signal: ended.signal,
    });
    if (write) writes.push({ ...write, status: answer.statusCode });
    if (isFaulty) strike(server, fault.kind === 'diesAfter');
    if (isCut || isFaulty) {
      await answer.body.dump();
      return void incoming.socket.destroy();
    }
    outgoing.writeHead(answer.statusCode, answered(answer.headers));
    outgoing.flushHeaders();
    for await (const chunk of answer.body) outgoing.write(chunk);
    outgoing.end();
  }

  const server = createServer((incoming, outgoing) => {
    const passing = pass(incoming, outgoing).catch(() => void incoming.socket.destroy());
    if (incoming.method !== 'GET') inFlight.add(passing);
    void passing.finally(() => inFlight.delete(passing));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const path = join(folder, `gate-${++gates}.kubeconfig`);
  const { port } = server.address() as AddressInfo;
  const clusters = [
    { ...config.clusters[0], cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
  ];
  await writeFile(path, JSON.stringify({ ...config, clusters }));
  return {
    kubeconfig: path,
    struck: struck.promise,
    hasStruck: () => hasStruck,
    async cut() {
      isCut = true;
      server.closeAllConnections();
      await Promise.all(inFlight);
      server.close();
      await upstream.destroy();
    },
  };
}

const VERBS: Record<string, Write['verb']> = { POST: 'create', PATCH: 'patch', PUT: 'update', DELETE: 'delete' };
const PATH = /^\/(?:api|apis\/[^/]+)\/[^/]+(?:\/namespaces\/([^/?]+))?\/([^/?]+)(?:\/([^/?]+))?(?:\/([^/?]+))?/;

/** Events are best effort, and are no write here. */
function writeOf({ method = '', url = '', headers }: IncomingMessage, body: Buffer): Omit<Write, 'status'> | undefined {
  const base = VERBS[method];
  const [, namespace = '', resource = '', named, subresource] = PATH.exec(url) ?? [];
  const name: string = named ?? (base === 'create' && JSON.parse(body.toString()).metadata?.name) ?? '';
  if (!base || resource === 'events') return undefined;
  const verb = headers['content-type']?.includes('apply-patch') ? 'apply' : base;
  const what = subresource ? `${resource}/${subresource}` : resource;
  return { id: [verb, what, stableName(name)].filter(Boolean).join(' '), verb, resource, name, namespace };
}

/** The name of a run, or of the record of a template, without its hash, which follows from random passwords. */
export function stableName(name: string): string {
  return name.replace(/-[0-9a-f]{8}-(\d+)$/, '-#-$1').replace(/-template-[0-9a-f]{10}$/, '-template-#');
}

const HOP_BY_HOP = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length']);

function forwarded({ headers }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function answered(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
