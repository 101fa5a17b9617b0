import { Command } from 'commander';

export function downCommand(): Command {
  return new Command('down')
    .description('Remove a local cluster with all its data. Nothing of it is left on the machine.')
    .option('--name <name>', 'name of the local cluster', 'local')
    .action(down);
}

async function down({ name }: { name: string }): Promise<void> {
  const { embeddedProvider } = await import('@orderplane/hack/cluster/index.ts');
  const { createProgress } = await import('@orderplane/hack/progress.ts');
  await embeddedProvider({ name }).down(createProgress());
}
