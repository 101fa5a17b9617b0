import { Command, Option } from 'commander';
import type { Check, ClusterStatus } from '@orderplane/hack/cluster/index.ts';
import { outputOption, printJson, type OutputFormat } from './output.ts';

interface CheckFlags {
  pre?: boolean;
  name: string;
  context?: string;
  output: OutputFormat;
}

/** Exit status 0 when all is well, 1 when not. */
export function checkCommand(): Command {
  return new Command('check')
    .description('Tell whether the local cluster is well or, with --pre, whether this machine can run one')
    .option('--pre', 'check the machine')
    .option('--name <name>', 'name of the local cluster', 'local')
    .addOption(
      new Option('--context <name>', 'look at the cluster of this kubeconfig context instead').conflicts('name'),
    )
    .addOption(outputOption())
    .action((flags: CheckFlags) => (flags.pre ? checkMachine(flags) : checkCluster(flags)));
}

async function checkMachine({ name, output }: CheckFlags): Promise<void> {
  const { embeddedProvider, preflight } = await import('@orderplane/hack/cluster/index.ts');
  const { FORWARDS } = await import('@orderplane/hack/deploy/local.ts');
  const status = await embeddedProvider({ name }).status();
  // A cluster that runs holds its ports by right.
  const held =
    status.phase === 'ready' || status.phase === 'starting' ? status.forwards.map((forward) => forward.listen) : [];
  const ports = FORWARDS.map((forward) => forward.listen).filter((port) => !held.includes(port));
  const checks = await preflight({ ports });
  const ok = checks.every((check) => check.ok);
  if (output === 'json') printJson({ ok, checks });
  else console.log(checks.map(checkLine).join('\n'));
  process.exitCode = ok ? 0 : 1;
}

function checkLine({ name, ok, found, todo }: Check): string {
  return `${ok ? '✓' : '✗'} ${name}: ${found}${todo ? `\n    ${todo}` : ''}`;
}

async function checkCluster({ name, context, output }: CheckFlags): Promise<void> {
  const { contextProvider, embeddedProvider } = await import('@orderplane/hack/cluster/index.ts');
  const status = await (context ? contextProvider(context) : embeddedProvider({ name })).status();
  const ok = status.phase === 'ready' && status.components.every((component) => component.running);
  if (output === 'json') printJson({ ok, ...status });
  else console.log(statusText(status, ok));
  process.exitCode = ok ? 0 : 1;
}

function statusText(status: ClusterStatus, ok: boolean): string {
  const components = status.components.map(
    ({ name, running, restarts }) =>
      `  ${running ? '✓' : '✗'} ${name}${restarts > 0 ? ` (restarted ${restarts} times)` : ''}`,
  );
  const forwards = status.forwards.map(
    ({ listen, namespace, service, port }) => `  localhost:${listen} → ${namespace}/${service}:${port}`,
  );
  return [`${ok ? '✓' : '✗'} cluster ${status.name}: ${status.message}`, ...components, ...forwards].join('\n');
}
