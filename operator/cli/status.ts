import { Command } from 'commander';
import { withCluster, withClusterOptions, type ClusterAccess, type ClusterFlags } from './cluster.ts';
import { duration, EXIT, outputOption, paintFor, printJson, type OutputFormat } from './output.ts';
import { reportOf, type Report } from './status/report.ts';
import { nothingFound, takeSnapshot, takeSnapshots } from './status/snapshot.ts';
import { drawTree } from './status/tree.ts';
import { createJournal, createScreen, watchPlatform } from './status/watch.ts';

interface StatusFlags extends ClusterFlags {
  output: OutputFormat;
  allNamespaces?: boolean;
  watch?: boolean;
  wait?: boolean;
  timeout: number;
}

const EXAMPLES = `
Exit codes: 0 every platform shown is Ready for its present spec, 1 an error, 2 one is not Ready.

  orderplane status                    the platforms of the namespace
  orderplane status shop -n shop --watch
  orderplane status shop --wait --timeout 10m && ./deploy-the-rest`;

export function statusCommand(): Command {
  const command = new Command('status')
    .description('Show how a platform stands, as a tree: what is in the way first, then every stage with its parts')
    .argument('[name]', 'name of the platform; without one, all of the namespace')
    .option('-A, --all-namespaces', 'the platforms of all namespaces')
    .option('-w, --watch', 'go on showing it as it changes, until Ctrl-C')
    .option('--wait', 'as --watch, but end when it is Ready')
    .option('--timeout <duration>', 'how long --wait waits, such as 90s or 10m; then the exit code is 2', duration('--timeout'), 300_000)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES); // prettier-ignore
  return withClusterOptions(command).action(async (name: string | undefined, flags: StatusFlags) => {
    process.exitCode = await withCluster(flags, (cluster) => status(cluster, name, flags));
  });
}

async function status(cluster: ClusterAccess, name: string | undefined, flags: StatusFlags): Promise<number> {
  if (flags.watch || flags.wait) return follow(cluster, name, flags);
  const { client, namespace } = cluster;
  const snapshots =
    name === undefined
      ? await takeSnapshots(client, flags.allNamespaces ? undefined : namespace)
      : [await takeSnapshot(client, { namespace, name })];
  if (snapshots.length === 0 && flags.allNamespaces) throw new Error('there is no OrderPlatform in this cluster');
  if (snapshots.length === 0) throw await nothingFound(client, namespace, name);
  const reports = snapshots.map(reportOf);
  if (flags.output === 'json') printJson(name === undefined ? reports : reports[0]);
  else console.log(reports.map((report) => drawTree(report, paintFor(process.stdout), new Date()).join('\n')).join('\n\n')); // prettier-ignore
  return exitCodeOf(reports);
}

async function follow(cluster: ClusterAccess, name: string | undefined, flags: StatusFlags): Promise<number> {
  if (flags.allNamespaces) throw new Error('--watch and --wait follow one platform: leave out --all-namespaces');
  const paint = paintFor(process.stdout);
  const screen = createScreen(process.stdout, paint);
  const journal = createJournal(paint);
  const ended = new AbortController();
  process.once('SIGINT', () => ended.abort());
  const found = await takeSnapshot(cluster.client, { namespace: cluster.namespace, name });
  const report = await watchPlatform(cluster, {
    name: found.platform.metadata.name,
    isLast: ({ ready }) => flags.wait === true && ready,
    show(shown) {
      const now = new Date();
      if (flags.output === 'json') console.log(JSON.stringify(shown));
      else if (process.stdout.isTTY) screen(shown, now);
      else for (const line of journal(shown, now)) console.log(line);
    },
    failed: (error) => console.error(`orderplane: ${error.message}; trying again`),
    signal: flags.wait ? AbortSignal.any([ended.signal, AbortSignal.timeout(flags.timeout)]) : ended.signal,
  });
  if (flags.wait && !report?.ready && !ended.signal.aborted)
    console.error(`orderplane: not Ready within ${flags.timeout / 1000} s`);
  return exitCodeOf(report ? [report] : []);
}

function exitCodeOf(reports: readonly Report[]): number {
  return reports.length > 0 && reports.every(({ ready }) => ready) ? EXIT.ok : EXIT.unfinished;
}
