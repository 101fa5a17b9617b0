import { Command, InvalidArgumentError } from 'commander';
import { withCluster, withClusterOptions, type ClusterFlags } from './cluster.ts';
import { EXIT, outputOption, paintFor, printJson, type OutputFormat } from './output.ts';
import { planOffline, planOnline } from './plan/make.ts';
import { drawPlan, hasChanges, type Plan } from './plan/report.ts';

interface PlanFlags extends ClusterFlags {
  filename?: string[];
  offline?: boolean;
  from?: string[];
  imagesFile?: string;
  output: OutputFormat;
}

const HELP = `
With a cluster, every write is sent to its API server as a dry run: defaults, immutable fields, quotas and policies count. The plan is what the
operator's own code would do; nothing is changed. Values of Secrets are never shown.

Exit codes: 0 nothing would change, 1 an error (an invalid spec among them), 2 there are changes.

  orderplane plan shop -n shop                   what the operator has still to do
  orderplane plan -f shop.yaml                   what applying the file would lead to
  orderplane plan -f shop.yaml --offline         everything that the file stands for, without a cluster
  orderplane plan -f new/ --offline --from old/  what lies between two versions of a folder`;

export function planCommand(): Command {
  const command = new Command('plan')
    .description('Show what the operator would do, before it does: objects, fields, restarts of pods, Jobs')
    .argument('[name]', 'name of the platform; it may be left out where there is only one')
    .option('-f, --filename <path>', 'files or folders to be applied (- for standard input)', several)
    .option('--offline', 'ask no cluster')
    .option('--from <path>', 'with --offline: files or folders to begin with, instead of nothing', several)
    .option('--images-file <path>', "YAML file with images in place of the release's, as the operator has")
    .addOption(outputOption())
    .addHelpText('after', HELP);
  return withClusterOptions(command).action(async (name: string | undefined, flags: PlanFlags) => {
    const plans = await makePlans(name, flags);
    if (flags.output === 'json') printJson(plans.length === 1 ? plans[0] : plans);
    else console.log(plans.map((plan) => drawPlan(plan, paintFor(process.stdout)).join('\n')).join('\n\n'));
    process.exitCode = plans.some(hasChanges) ? EXIT.unfinished : EXIT.ok;
  });
}

/** Collects an option that may be given more than once. */
export function several(value: string, before: string[] = []): string[] {
  if (value === '') throw new InvalidArgumentError('a path is missing');
  return [...before, value];
}

async function makePlans(name: string | undefined, flags: PlanFlags): Promise<Plan[]> {
  const { filename: files = [], from = [], offline, imagesFile, namespace = 'default' } = flags;
  if (from.length > 0 && !offline) throw new Error('--from goes with --offline: a cluster is its own beginning');
  if (!offline) return withCluster(flags, (cluster) => planOnline(cluster, { name, files, imagesFile }));
  if (files.length === 0) throw new Error('--offline needs files: -f shop.yaml');
  return planOffline({ name, files, from, imagesFile, namespace });
}
