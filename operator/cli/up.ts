import { Command, InvalidArgumentError, Option } from 'commander';
import type { ClusterProvider, Forward, Tier } from '@orderplane/hack/cluster/index.ts';
import type { Progress } from '@orderplane/hack/progress.ts';

interface UpFlags {
  name: string;
  context?: string;
  tier: Tier;
  clusterOnly?: boolean;
  gatewayPort: number;
  storefrontPort: number;
}

const EXAMPLE = 'examples/ultralight';

const HELP = `
  orderplane up                      cluster, operator and ${EXAMPLE}; ends with its addresses
  orderplane up --context NAME       the same in a cluster that is there already
  orderplane up --cluster-only       the cluster alone
  orderplane up --tier control-plane API server and controllers alone, without root: nothing ever schedules a pod`;

export function upCommand(): Command {
  return new Command('up')
    .description(
      'Bring up a local cluster with the operator and an example platform in it. Repeat it at will: it goes on where it was cut short.',
    )
    .option('--name <name>', 'name of the local cluster', 'local')
    .addOption(
      new Option('--context <context>', 'use the cluster of this kubeconfig context instead').conflicts([
        'tier',
        'name',
        'clusterOnly',
      ]),
    )
    .addOption(
      new Option('--tier <tier>', 'how much of a cluster; control-plane implies --cluster-only')
        .choices(['node', 'control-plane'])
        .default('node'),
    )
    .option('--cluster-only', 'neither operator nor example')
    .option('--gateway-port <port>', 'port of localhost that leads to the gateway', port, 8080)
    .option('--storefront-port <port>', 'port of localhost that leads to the storefront', port, 3000)
    .addHelpText('after', HELP)
    .action(up);
}

function port(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw new InvalidArgumentError('a port is a number from 1 to 65535');
  return number;
}

async function up(flags: UpFlags): Promise<void> {
  const { contextProvider, embeddedProvider } = await import('@orderplane/hack/cluster/index.ts');
  const { createProgress } = await import('@orderplane/hack/progress.ts');
  process.once('SIGINT', () => {
    console.error(
      '\nInterrupted. What is there is kept: `orderplane up` goes on from here, `orderplane down` removes it.',
    );
    process.exit(130);
  });
  const provider = flags.context ? contextProvider(flags.context) : embeddedProvider({ name: flags.name });
  const report = createProgress();
  if (flags.clusterOnly || flags.tier === 'control-plane') {
    const cluster = await provider.up({ tier: flags.tier }, report);
    console.log(`kubectl --context ${cluster.context} get nodes`);
    return;
  }
  await bringUpPlatform(provider, report, flags);
}

async function bringUpPlatform(provider: ClusterProvider, report: Progress, flags: UpFlags): Promise<void> {
  const { bringUpExample, bringUpOperator, FORWARDS } = await import('@orderplane/hack/deploy/local.ts');
  const started = performance.now();
  const forwards = FORWARDS.map((forward) => ({ ...forward, listen: listenOn(forward, flags) }));
  const { cluster, client } = await bringUpOperator(provider, report, { forwards });
  try {
    await bringUpExample(client, EXAMPLE, report);
  } finally {
    await client.close();
  }
  const down = flags.name === 'local' ? 'orderplane down' : `orderplane down --name ${flags.name}`;
  const addresses =
    provider.name === 'embedded'
      ? `  storefront   http://localhost:${flags.storefrontPort}
  GraphQL      http://localhost:${flags.gatewayPort}/graphql
  remove       ${down}
`
      : `  storefront   kubectl --context ${cluster.context} -n shop port-forward service/shop-storefront ${flags.storefrontPort}:3000
  GraphQL      kubectl --context ${cluster.context} -n shop port-forward service/shop-gateway ${flags.gatewayPort}:8080
`;
  console.log(`
${addresses}  status       orderplane status shop -n shop --context ${cluster.context}

Ready in ${Math.round((performance.now() - started) / 1000)} s.`);
}

function listenOn({ service }: Forward, { gatewayPort, storefrontPort }: UpFlags): number {
  return service.endsWith('-gateway') ? gatewayPort : storefrontPort;
}
