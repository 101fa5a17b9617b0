/** The gateway as its image has it, with played services behind it: pages of orders a second. */
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { issuer } from '@orderplane/gateway/testing/tokens.ts';
import { freePorts } from '@orderplane/hack/cluster/ports.ts';
import { stopProcess } from '@orderplane/hack/cluster/process.ts';
import { withBundles } from '@orderplane/hack/images/bundle.ts';
import type { Progress } from '@orderplane/hack/progress.ts';
import { root } from '@orderplane/hack/root.ts';
import { accepts, startServer } from '@orderplane/hack/testing/server.ts';
import { temporaryFolder } from '@orderplane/hack/testing/temporary-folder.ts';
import { figureLine, latencyLine } from './figures.ts';
import { startService } from './service-process.ts';

const UPSTREAMS = fileURLToPath(new URL('gateway-upstreams.ts', import.meta.url));
const ORDERS = 20;
const CLIENTS = 8;
const WARM_UP_MS = 2000;
const RUN_MS = 8000;
const GRACE_MS = 5000;

const PAGE = JSON.stringify({
  query: `{ orders(first: ${ORDERS}) { items { id status total createdAt lines { productId qty price product { name } } } next } }`,
});

export async function benchGateway(report: Progress): Promise<void> {
  await withBundles(['services'], report, async () => {});
  await using stack = new AsyncDisposableStack();
  const folder = await temporaryFolder('orderplane-gateway-');
  stack.defer(() => folder.remove());
  const users = await issuer();
  const [upstream = 0, bare = 0] = await freePorts(2);
  const fakes = await startServer(
    {
      name: 'upstreams',
      command: process.execPath,
      args: [UPSTREAMS],
      log: join(folder.path, 'upstreams.log'),
      env: { ...process.env, PORT: String(upstream), BARE_PORT: String(bare), JWKS: JSON.stringify({ keys: [users.jwk] }), ORDERS: String(ORDERS), BARE_BYTES: '4000' }, // prettier-ignore
    },
    () => accepts(bare),
  );
  stack.defer(() => stopProcess(fakes, GRACE_MS));

  const url = `http://127.0.0.1:${upstream}`;
  const gateway = await startService('gateway', {
    folder: folder.path,
    env: { INVENTORY_URL: url, ORDERS_URL: url, ORDER_QUERY_URL: url, USERS_URL: url, PAYMENTS_URL: url, RATE_LIMIT_PER_MINUTE: '10000000' }, // prettier-ignore
    bundle: join(root, 'dist/services/gateway/server.mjs'),
  });
  stack.defer(() => gateway.stop());

  const page = await pageOf(users);
  const ceiling = await load(bare, page);
  const measured = await load(Number(new URL(gateway.url).port), page);
  const share = ((100 * measured.rate) / ceiling.rate).toFixed(0);
  console.log(figureLine('a bare HTTP server, the same load', `${ceiling.rate.toFixed(0)}/s`));
  console.log(figureLine(`pages of ${ORDERS} orders with products`, `${measured.rate.toFixed(0)}/s, ${share} % of it`));
  console.log(latencyLine(`a page, ${CLIENTS} at once`, measured.milliseconds));
  console.log(figureLine('memory, afterwards', `${(await gateway.memory()).now.toFixed(0)} MiB`));
}

type Send = (agent: Agent, port: number) => Promise<void>;

/** A user's question, with a token that is checked each time. */
async function pageOf(users: Awaited<ReturnType<typeof issuer>>): Promise<Send> {
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${await users.token({ exp: '1h' })}`,
    'content-length': Buffer.byteLength(PAGE),
  };
  return (agent, port) =>
    new Promise((resolve, reject) => {
      const asked = request(
        { port, host: '127.0.0.1', path: '/graphql', method: 'POST', agent, headers },
        (response) => {
          let failed = response.statusCode !== 200;
          response.on('data', (chunk: Buffer) => (failed ||= chunk.includes('"errors"')));
          response.on('end', () => (failed ? reject(new Error(`answered ${response.statusCode}`)) : resolve()));
        },
      );
      asked.on('error', reject).end(PAGE);
    });
}

async function load(port: number, send: Send) {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const run = async (forMs: number) => {
    const milliseconds: number[] = [];
    const started = performance.now();
    const client = async () => {
      while (performance.now() - started < forMs) {
        const begun = performance.now();
        await send(agent, port);
        milliseconds.push(performance.now() - begun);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    return { rate: (1000 * milliseconds.length) / (performance.now() - started), milliseconds };
  };
  await run(WARM_UP_MS);
  const result = await run(RUN_MS);
  agent.destroy();
  return result;
}
