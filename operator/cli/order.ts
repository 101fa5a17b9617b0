import { Command } from 'commander';
import { firstAnswer, withCluster, withClusterOptions, type ClusterAccess, type ClusterFlags } from './cluster.ts';
import { drawTrace } from './order/draw.ts';
import { traceToken, withGateway } from './order/gateway.ts';
import { orderTrace, sagaOf, type OrderTrace } from './order/trace.ts';
import { EXIT, outputOption, paintFor, printJson, type OutputFormat } from './output.ts';
import { OrderPlatforms } from './status/snapshot.ts';

interface TraceFlags extends ClusterFlags {
  output: OutputFormat;
  platform?: string;
  gateway?: string;
}

const ANSWER_MS = 15_000;

const EXAMPLES = `
It asks the platform's gateway, through the API server, with a token that may read traces and nothing else; for that it reads the Secret
<platform>-verification.

Exit codes: 0 the order has come to its end, confirmed or cancelled; 1 an error, such as an order that does not exist; 2 it is still on its way.

  orderplane order trace 0192f0c1-7c1e-7000-8000-3f1f6f0c2b11 -n shop
  orderplane order trace 0192f0c1-7c1e-7000-8000-3f1f6f0c2b11 -n shop --gateway http://localhost:8080 -o json`;

export function orderCommand(): Command {
  const trace = new Command('trace')
    .description(
      'What happened to an order in all services, as a tree: what led to what, how long after, what was undone',
    )
    .argument('<id>', 'id of the order')
    .option('--platform <name>', 'name of the OrderPlatform, where the namespace has several')
    .option('--gateway <url>', 'address of the gateway, where it is reached without the API server')
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES);
  withClusterOptions(trace).action(async (id: string, flags: TraceFlags) => {
    process.exitCode = await withCluster(flags, (cluster) => traceOrder(cluster, id, flags));
  });
  return new Command('order').description('Orders of a platform').addCommand(trace);
}

async function traceOrder(cluster: ClusterAccess, id: string, flags: TraceFlags): Promise<number> {
  const { namespace } = cluster;
  const platform = flags.platform ?? (await onlyPlatform(cluster));
  const token = await traceToken(cluster, platform);
  const trace = flags.gateway
    ? await readTrace(flags.gateway, id, token)
    : await withGateway(cluster, platform, (url) => readTrace(url, id, token));
  const { outcome, durationMs } = sagaOf(trace);
  if (flags.output === 'json') printJson({ namespace, platform, id, outcome, durationMs, ...trace });
  else console.log(drawTrace(id, trace, paintFor(process.stdout)).join('\n'));
  return outcome === 'pending' ? EXIT.unfinished : EXIT.ok;
}

/** The platform of the namespace, where there is one; throws with those that there are. */
async function onlyPlatform({ client, namespace }: ClusterAccess): Promise<string> {
  const { items } = await client.list(OrderPlatforms, { namespace, ...firstAnswer() });
  const names = items.map(({ metadata }) => metadata.name);
  if (names.length === 1) return names[0] as string;
  if (names.length === 0)
    throw new Error(`there is no OrderPlatform in namespace ${namespace}: choose one by --namespace`);
  throw new Error(`namespace ${namespace} has several OrderPlatforms: choose one of ${names.join(', ')} by --platform`);
}

async function readTrace(gateway: string, id: string, token: string): Promise<OrderTrace> {
  const url = new URL(`/api/v1/orders/${encodeURIComponent(id)}/trace`, gateway);
  const headers = { authorization: `Bearer ${token}`, connection: 'close' };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_MS) }).catch((error: unknown) => {
    throw new Error(`the gateway at ${url.origin} cannot be reached: ${reasonOf(error)}`, { cause: error });
  });
  const text = await response.text();
  if (response.ok) return orderTrace.parse(JSON.parse(text));
  throw new Error(`the gateway does not tell of order ${id}: ${problemIn(text) ?? `it answers ${response.status}`}`);
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as { message: string; cause?: { message?: string } };
  return cause?.message || message;
}

/** What application/problem+json says; undefined where it is something else. */
function problemIn(text: string): string | undefined {
  try {
    const { code, title, detail } = JSON.parse(text) as { code?: string; title?: string; detail?: string };
    const words = detail ?? title;
    return words && (code ? `${words} (${code})` : words);
  } catch {
    return undefined;
  }
}
