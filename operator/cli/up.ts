import { Command, Option } from 'commander';
import type { Tier } from '@orderplane/hack/cluster/index.ts';

interface UpFlags {
  name: string;
  context?: string;
  tier: Tier;
}

export function upCommand(): Command {
  return new Command('up')
    .description(
      'Bring up a local cluster, or check that an existing one will do. Repeat it at will: it goes on where it was cut short.',
    )
    .option('--name <name>', 'name of the local cluster', 'local')
    .addOption(
      new Option('--context <context>', 'use the cluster of this kubeconfig context instead').conflicts([
        'tier',
        'name',
      ]),
    )
    .addOption(new Option('--tier <tier>', 'how much of a cluster').choices(['node', 'control-plane']).default('node'))
    .action(up);
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
  const cluster = await provider.up({ tier: flags.context ? undefined : flags.tier }, createProgress());
  console.log(`kubectl --context ${cluster.context} get nodes`);
}
