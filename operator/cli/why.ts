import { Command } from 'commander';
import { withCluster, withClusterOptions, type ClusterFlags } from './cluster.ts';
import { EXIT, outputOption, paintFor, printJson, type OutputFormat, type Paint } from './output.ts';
import { reportOf, type Report } from './status/report.ts';
import { takeSnapshot } from './status/snapshot.ts';
import { causeColour, drawItem, faultsOf, headline, shortened } from './status/tree.ts';

interface WhyFlags extends ClusterFlags {
  output: OutputFormat;
}

export function whyCommand(): Command {
  const command = new Command('why')
    .description('Say why a platform is not Ready: the one cause in the way, what else is wrong, and where to look')
    .argument('[name]', 'name of the platform; it may be left out where there is only one')
    .addOption(outputOption())
    .addHelpText('after', '\nExit codes: 0 it is Ready, 1 an error, 2 it is not Ready.');
  return withClusterOptions(command).action(async (name: string | undefined, flags: WhyFlags) => {
    process.exitCode = await withCluster(flags, async ({ client, namespace }) => {
      const report = reportOf(await takeSnapshot(client, { namespace, name }));
      if (flags.output === 'json') printJson(answerOf(report));
      else console.log(explain(report, paintFor(process.stdout), new Date()).join('\n'));
      return report.ready ? EXIT.ok : EXIT.unfinished;
    });
  });
}

function answerOf(report: Report) {
  const { namespace, name, verdict, ready, reason, cause, since, notes } = report;
  const faults = faultsOf(report.stages).map(({ path, item: { state, detail } }) => ({ path, state, detail }));
  return { namespace, name, verdict, ready, reason, cause, since, notes, faults, look: placesToLook(report) };
}

/** The answer in lines: cause first. */
export function explain(report: Report, paint: Paint, now: Date): string[] {
  const faults = faultsOf(shortened(report)).map(
    ({ path, item }) => `  ${drawItem({ ...item, title: path.join(' › ') }, paint)}`,
  );
  const look = placesToLook(report).map((command) => `  ${command}`);
  return [
    headline(report, paint, now),
    ...(report.cause ? ['', `  ${paint(causeColour(report), report.cause)}`] : []),
    ...report.notes.map((note) => `  ${paint('yellow', `! ${note}`)}`),
    ...(faults.length > 0 ? ['', paint('bold', 'What is not well'), ...faults] : []),
    ...(look.length > 0 ? ['', paint('bold', 'Where to look'), ...look] : []),
  ];
}

/** Commands that show more of what the cause names. */
function placesToLook({ namespace, name, cause, ready, verdict, stages }: Report): string[] {
  if (ready) return [];
  const kubectl = `kubectl -n ${namespace}`;
  const failed = faultsOf(stages).filter(({ item }) => item.state === 'failed');
  const texts = [cause ?? '', ...failed.map(({ item: { detail = '' } }) => detail)];
  const named = (pattern: RegExp) => [...new Set(texts.flatMap((text) => pattern.exec(text)?.[1] ?? []))].slice(0, 3);
  const crashed = texts.flatMap((text) => /\bpod (\S+) (?:keeps crashing|crashed|was restarted)/.exec(text)?.[1] ?? []);
  return [
    ...[...new Set(crashed)].slice(0, 3).map((pod) => `${kubectl} logs ${pod} --previous`),
    ...named(/\bpod ([a-z0-9][-a-z0-9.]*)\b/).map((pod) => `${kubectl} describe pod ${pod}`),
    ...named(/\bJob ([a-z0-9][-a-z0-9.]*)\b/).map((job) => `${kubectl} logs job/${job}`),
    ...named(/\bMigration ([a-z0-9][-a-z0-9.]*)\b/).map(
      (migration) => `orderplane migrations ${migration} -n ${namespace}`,
    ),
    ...named(/\bSeedJob ([a-z0-9][-a-z0-9.]*)\b/).map((seed) => `${kubectl} describe seedjob ${seed}`),
    ...(verdict === 'Unseen' ? ['kubectl -n orderplane-system logs deployment/orderplane-operator'] : []),
    `${kubectl} get events --field-selector type=Warning`,
    `${kubectl} describe orderplatform ${name}`,
  ];
}
