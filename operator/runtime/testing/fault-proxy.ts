/** An HTTP proxy in front of a real API server that does to requests and watches what networks and busy servers do. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as send } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { loadCredentials } from '../credentials.ts';
import { jsonLines } from '../json-lines.ts';

export interface ProxiedRequest {
  method: string;
  path: string;
  /** The path's last collection, such as `leases`, whether one object of it is meant or all. */
  resource: string;
  isWatch: boolean;
}

export type Fault =
  /** An answer of the proxy's own: the server never sees the request. */
  | { kind: 'answer'; status: number; reason?: string; retryAfterSeconds?: number }
  /** The connection ends, before the request is passed on or instead of the answer. */
  | { kind: 'hang up'; when: 'before' | 'after' }
  /** Nobody ever answers; the server does not see the request. */
  | { kind: 'silence' }
  | { kind: 'delay'; ms: number }
  /** What becomes of each line of a watch, which saw `earlier` ones: other lines, pauses in ms, or (null) the end, in mid-line. */
  | { kind: 'tamper'; line: (line: string, earlier: readonly string[]) => (string | number | null)[] };

export interface FaultProxy {
  /** Path of a kubeconfig that leads through the proxy, with full rights. */
  kubeconfig: string;
  /** Asked about every request from now on; undefined lets it pass. */
  inject(decide: (request: ProxiedRequest) => Fault | undefined): void;
  /** Lets everything pass from now on. */
  heal(): void;
  /** How many requests it delays now. */
  delaying(): number;
  /** Breaks every connection, and refuses new ones until `restore`. */
  cut(): void;
  restore(): void;
  close(): Promise<void>;
}

export async function startFaultProxy(kubeconfig: string): Promise<FaultProxy> {
  const credentials = await loadCredentials({ path: kubeconfig });
  const { tls } = await credentials.current();
  const agent = new Agent({ keepAlive: true });
  let decide: (request: ProxiedRequest) => Fault | undefined = () => undefined;
  let refusing = false;
  let delaying = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = decide(describe(request));
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'hang up' && fault.when === 'before') return void request.socket.destroy();
    if (fault?.kind === 'answer') return void request.resume().on('end', () => refuse(response, fault));
    if (fault?.kind === 'delay') {
      delaying++;
      await wait(fault.ms);
      delaying--;
    }
    if (request.socket.destroyed) return; // given up meanwhile
    const { hostname, port } = credentials.server;
    const headers = { ...request.headers, host: credentials.server.host };
    const passed = send({ ...tls, agent, hostname, port, method: request.method, path: request.url, headers });
    passed.on('error', () => request.socket.destroy());
    passed.on('response', (answer) => {
      if (fault?.kind === 'hang up') return void answer.resume().on('end', () => request.socket.destroy());
      answer.on('error', () => request.socket.destroy());
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      response.flushHeaders();
      if (fault?.kind === 'tamper') tamper(answer, response, fault.line).catch(() => request.socket.destroy());
      else answer.pipe(response);
    });
    response.on('close', () => passed.destroy());
    request.pipe(passed);
  }

  const server = createServer((request, response) => {
    response.on('error', () => {});
    handle(request, response).catch(() => request.socket.destroy());
  });
  server.on('connection', (socket) => void (refusing && socket.resetAndDestroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const folder = await mkdtemp(join(tmpdir(), 'fault-proxy-'));
  await writeFile(join(folder, 'kubeconfig'), kubeconfigTo(`http://127.0.0.1:${port}`));

  return {
    kubeconfig: join(folder, 'kubeconfig'),
    inject: (given) => void (decide = given),
    heal: () => void (decide = () => undefined),
    delaying: () => delaying,
    cut() {
      refusing = true;
      server.closeAllConnections();
    },
    restore: () => void (refusing = false),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      agent.destroy();
      await closed;
      await rm(folder, { recursive: true });
    },
  };
}

/** Passes on `events` lines of a watch, then half of the next one, then nothing. */
export function truncated(events: number): Fault {
  return {
    kind: 'tamper',
    line: (line, { length }) => (length < events ? [line] : [line.slice(0, line.length / 2), null]),
  };
}

/** Sends all earlier lines again after each line, oldest first, as a proxy does that resumes from a log. */
export function replayed(): Fault {
  return { kind: 'tamper', line: (line, earlier) => [line, ...earlier, line] };
}

/** Holds back each line of a watch. */
export function slow(ms: number): Fault {
  return { kind: 'tamper', line: (line) => [ms, line] };
}

async function tamper(
  answer: IncomingMessage,
  response: ServerResponse,
  change: Extract<Fault, { kind: 'tamper' }>['line'],
): Promise<void> {
  const earlier: string[] = [];
  for await (const event of jsonLines(answer)) {
    const line = JSON.stringify(event);
    const pieces = change(line, earlier);
    for (const [i, piece] of pieces.entries()) {
      if (piece === null) return void response.socket?.destroy();
      if (typeof piece === 'number') await wait(piece);
      else if (pieces[i + 1] !== null) response.write(`${piece}\n`);
      else await new Promise((sent) => response.write(piece, sent)); // or nothing written so far would arrive
    }
    earlier.push(line);
  }
  response.end();
}

function describe(request: IncomingMessage): ProxiedRequest {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://proxy');
  const parts = pathname.split('/').slice(pathname.startsWith('/api/') ? 3 : 4);
  const resource = (parts[0] === 'namespaces' && parts.length > 2 ? parts[2] : parts[0]) ?? '';
  return { method: request.method ?? '', path: pathname, resource, isWatch: searchParams.get('watch') === 'true' };
}

function refuse(response: ServerResponse, fault: Extract<Fault, { kind: 'answer' }>): void {
  const { status, reason = '', retryAfterSeconds } = fault;
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  const body = { kind: 'Status', status: 'Failure', message: `the proxy says ${status}`, reason, code: status };
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function kubeconfigTo(server: string): string {
  return JSON.stringify({
    clusters: [{ name: 'proxy', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'anybody', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'anybody' } }],
    'current-context': 'proxy',
  });
}
