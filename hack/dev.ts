/**
 * `npm run dev` runs the operator of this checkout against a cluster; `npm run dev -- orders` runs a service of it against the stores of a
 * platform there. A changed file runs at once.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createClient } from '@orderplane/operator/runtime/index.ts';
import { parse } from 'yaml';
import { userKubeconfigPath } from './cluster/kubeconfig.ts';
import { devOperator } from './dev/operator.ts';
import { createReach } from './dev/reach.ts';
import { devService } from './dev/service.ts';

const LOCAL_CONTEXT = 'orderplane-local';
const USAGE = `npm run dev [-- options]             the operator
npm run dev -- SERVICE [options]     a service of services/, such as orders

  --context NAME       the cluster; by default ${LOCAL_CONTEXT} where it exists, else the current one
  --platform NAME      whose stores the service uses (shop)
  -n, --namespace NS   where that platform is (its name)
  --take-over          scale the operator in the cluster to 0 while this one runs
  --force              run beside the operator in the cluster

What is set in the shell wins over what the service's pods have: ORDERS_URL=http://localhost:50052 npm run dev -- gateway`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    context: { type: 'string' },
    platform: { type: 'string', default: 'shop' },
    namespace: { type: 'string', short: 'n' },
    'take-over': { type: 'boolean', default: false },
    force: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const path = userKubeconfigPath();
  const kubeconfig = { path, context: values.context ?? (await defaultContext(path)) };
  const client = createClient({ kubeconfig, fieldManager: 'orderplane-dev' });
  try {
    const [service] = positionals;
    if (service === undefined) {
      const { 'take-over': takeOver, force } = values;
      return await devOperator({ kubeconfig, takeOver, force }, { client, signal: stop.signal });
    }
    const { platform, namespace = platform } = values;
    const routed = kubeconfig.context.startsWith('orderplane-');
    const reach = createReach({ client, kubeconfig, routed, signal: stop.signal });
    return await devService({ service, platform, namespace }, { client, reach, signal: stop.signal });
  } finally {
    await client.close();
  }
}

async function defaultContext(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new Error(`there is no kubeconfig at ${path}: \`npm run demo\` makes a local cluster`);
  });
  const config = parse(text) as { contexts?: { name: string }[]; 'current-context'?: string };
  if (config.contexts?.some(({ name }) => name === LOCAL_CONTEXT)) return LOCAL_CONTEXT;
  if (!config['current-context']) throw new Error(`${path} has no current context: choose one with --context`);
  return config['current-context'];
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
