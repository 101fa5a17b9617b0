import { Command } from 'commander';
import type { SeedJob } from '../api/v1alpha1/index.ts';
import { createInformer } from '../runtime/informer.ts';
import { firstAnswer, withCluster, withClusterOptions, type ClusterAccess, type ClusterFlags } from './cluster.ts';
import { duration, EXIT, outputOption, paintFor, printJson, type OutputFormat } from './output.ts';
import { drawOutcome, progressOf, refusalOf, REQUESTED_AT, requestState, type RequestState } from './reseed/report.ts';
import { OrderPlatforms, SeedJobs } from './status/snapshot.ts';

interface ReseedFlags extends ClusterFlags {
  output: OutputFormat;
  watch?: boolean;
  timeout: number;
}

const EXAMPLES = `
It sets the annotation orderplane.dev/requestedAt, which has the operator run the seed once. What it writes is what the SeedJob says.

Exit codes: 0 the run was asked for, or with --watch has succeeded; 1 an error, such as a platform that is suspended; 2 the run failed, or has
not ended in time.

  orderplane reseed products -n shop
  orderplane reseed products -n shop --watch --timeout 30m`;

export function reseedCommand(): Command {
  const command = new Command('reseed')
    .description('Run a SeedJob again, once, although nothing of it has changed')
    .argument('<name>', 'name of the SeedJob')
    .option('-w, --watch', 'follow the run to its end, and tell what it did')
    .option(
      '--timeout <duration>',
      'how long --watch waits, such as 90s or 10m; then the exit code is 2',
      duration('--timeout'),
      600_000,
    ) // prettier-ignore
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES);
  return withClusterOptions(command).action(async (name: string, flags: ReseedFlags) => {
    process.exitCode = await withCluster(flags, (cluster) => reseed(cluster, name, flags));
  });
}

async function reseed(cluster: ClusterAccess, name: string, flags: ReseedFlags): Promise<number> {
  const { client, namespace } = cluster;
  const seed = await findSeed(cluster, name);
  const platform = await client.get(OrderPlatforms, { namespace, name: seed.spec.platformRef.name }, firstAnswer());
  const refusal = refusalOf(seed, platform);
  if (refusal) throw new Error(refusal);
  const requestedAt = new Date().toISOString();
  const annotations = { [REQUESTED_AT]: requestedAt };
  await client.mergePatch(SeedJobs, { namespace, name }, { metadata: { annotations } }, firstAnswer());
  if (flags.watch) return follow(cluster, { name, requestedAt }, flags);
  if (flags.output === 'json') printJson({ namespace, name, requestedAt });
  else
    console.log(`SeedJob ${name} runs again: kubectl -n ${namespace} get seedjob ${name} --watch shows how it gets on`);
  return EXIT.ok;
}

/** The SeedJob; throws with those that there are. */
async function findSeed({ client, namespace }: ClusterAccess, name: string): Promise<SeedJob> {
  const { items } = await client.list(SeedJobs, { namespace, ...firstAnswer() });
  const found = items.find(({ metadata }) => metadata.name === name);
  if (found) return found;
  const names = items.map(({ metadata }) => metadata.name);
  const there = names.length > 0 ? `it has ${names.join(', ')}` : 'it has none. Is it the right one? (--namespace)';
  throw new Error(`there is no SeedJob "${name}" in namespace ${namespace}: ${there}`);
}

async function follow(
  cluster: ClusterAccess,
  { name, requestedAt }: { name: string; requestedAt: string },
  { output, timeout }: ReseedFlags,
): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  let told = '';
  const state = await watchRequest(cluster, name, requestedAt, {
    show(seed) {
      const line = progressOf(seed);
      if (line === told) return;
      told = line;
      // What is printed as JSON is the end alone; how it gets there is for people.
      (output === 'json' ? console.error : console.log)(`${new Date().toISOString().slice(11, 19)} ${line}`);
    },
    signal: AbortSignal.any([interrupted.signal, AbortSignal.timeout(timeout)]),
  });
  if (state.kind === 'pending') {
    if (!interrupted.signal.aborted) console.error(`orderplane: the run has not ended within ${timeout / 1000} s`);
    return EXIT.unfinished;
  }
  if (state.kind === 'refused') throw new Error(state.why);
  const { run } = state;
  if (output === 'json') printJson({ namespace: cluster.namespace, name, requestedAt, run });
  else console.log(drawOutcome(name, run, paintFor(process.stdout)).join('\n'));
  return run.outcome === 'Succeeded' ? EXIT.ok : EXIT.unfinished;
}

/** Looks at a SeedJob whenever it changes, until its request has come to an end or the signal aborts. */
async function watchRequest(
  { client, namespace }: ClusterAccess,
  name: string,
  requestedAt: string,
  { show, signal }: { show(seed: SeedJob): void; signal: AbortSignal },
): Promise<RequestState> {
  const stop = new AbortController();
  const informer = createInformer(SeedJobs, {
    client,
    namespaces: [namespace],
    fieldSelector: `metadata.name=${name}`,
  });
  const ended = Promise.withResolvers<RequestState>();
  informer.addHandler(({ type, object }) => {
    if (type === 'delete') return ended.reject(new Error(`SeedJob ${name} was deleted`));
    const state = requestState(object, requestedAt);
    if (state.kind === 'pending' && object.metadata.annotations?.[REQUESTED_AT] === requestedAt) show(object);
    if (state.kind !== 'pending') ended.resolve(state);
  });
  const aborted = () => ended.resolve({ kind: 'pending' });
  signal.addEventListener('abort', aborted, { once: true });
  const watching = informer.start(AbortSignal.any([signal, stop.signal]));
  try {
    return await ended.promise;
  } finally {
    signal.removeEventListener('abort', aborted);
    stop.abort();
    await watching;
  }
}
