import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { registerControllers } from '../controllers/index.ts';
import { readCatalogue } from '../resources/images.ts';
import { NAMESPACES_VARIABLE, OPERATOR_NAME, OPERATOR_NAMESPACE } from '../resources/install.ts';
import { RELEASE, RELEASE_IMAGES } from '../resources/release-images.ts';
import {
  createClient,
  createLogger,
  createManager,
  FencedError,
  isInCluster,
  LOG_LEVELS,
  terminationSignal,
  type LogLevel,
} from '../runtime/index.ts';

import { namespaceNames } from './namespace-names.ts';

export interface RunOptions {
  context?: string;
  kubeconfig?: string;
  namespaces?: readonly string[];
  imagesFile?: string;
  port: string;
  /** Undefined: only in the cluster. */
  leaderElect?: boolean;
  leaderElectionLease: string;
  leaderElectionNamespace: string;
  leaderElectionIdentity?: string;
  logLevel: LogLevel;
}

export function runCommand(): Command {
  return new Command('run')
    .description('run the operator, in the cluster or, with a kubeconfig, outside of it')
    .addOption(
      new Option(
        '--kubeconfig <path>',
        'kubeconfig to use; by default $KUBECONFIG, ~/.kube/config, or the pod it runs in',
      ),
    )
    .addOption(new Option('--context <name>', 'context of the kubeconfig'))
    .addOption(
      new Option('--namespaces <names>', 'watch only these namespaces, with commas between them; by default all')
        .env(NAMESPACES_VARIABLE)
        .argParser(namespaceNames),
    )
    .addOption(
      new Option('--images-file <path>', "YAML file with images in place of the release's, and further releases").env(
        'ORDERPLANE_IMAGES_FILE',
      ),
    )
    .addOption(
      new Option('--port <number>', 'port of /livez, /readyz and /metrics').env('MANAGEMENT_PORT').default('8081'),
    )
    .addOption(
      new Option(
        '--leader-elect',
        'act only while holding a Lease, so that several may run; by default in the cluster',
      ),
    )
    .addOption(new Option('--no-leader-elect', 'act at once, whoever else runs; by default outside of the cluster'))
    .addOption(new Option('--leader-election-lease <name>', 'name of the Lease').default(OPERATOR_NAME))
    .addOption(
      new Option('--leader-election-namespace <name>', 'namespace of the Lease')
        .env('POD_NAMESPACE')
        .default(OPERATOR_NAMESPACE),
    )
    .addOption(
      // A container that starts again in its pod is the only process of that name: it need not wait for its own lease.
      new Option(
        '--leader-election-identity <name>',
        'what the Lease names its holder by, unique to this process; by default random',
      ).env('POD_NAME'),
    )
    .addOption(new Option('--log-level <level>').env('LOG_LEVEL').choices(LOG_LEVELS).default('info'))
    .action(async (options: RunOptions) => {
      try {
        await runOperator(options, terminationSignal());
      } catch (error) {
        if (!(error instanceof FencedError)) throw error;
        // Another one acts from now on: whatever still runs here ends with the process.
        console.error(`orderplane: lost the lead: ${error.message}`);
        process.exit(1);
      }
    });
}

/**
 * Runs the operator until the signal aborts, then lets running reconciles finish. Throws FencedError when it lost the lease:
 * the process must end then.
 */
async function runOperator(options: RunOptions, signal: AbortSignal): Promise<void> {
  const log = createLogger({ level: options.logLevel });
  const file = options.imagesFile ? await readFile(options.imagesFile, 'utf8') : '';
  const client = createClient({
    kubeconfig: { path: options.kubeconfig, context: options.context },
    userAgent: `orderplane-operator/${RELEASE}`,
    log,
  });
  const manager = createManager({
    client,
    log,
    http: { port: Number(options.port) },
    ...(options.namespaces && { namespaces: options.namespaces }),
    ...(isElected(options) && {
      leaderElection: {
        lease: { namespace: options.leaderElectionNamespace, name: options.leaderElectionLease },
        identity: options.leaderElectionIdentity,
      },
    }),
  });
  registerControllers(manager, { client, ...readCatalogue({ release: RELEASE, images: RELEASE_IMAGES }, file) });
  try {
    log.info({ release: RELEASE, namespaces: options.namespaces ?? 'all' }, 'the operator starts');
    await manager.run(signal);
  } finally {
    await client.close();
  }
}

function isElected({ leaderElect, kubeconfig, context }: RunOptions): boolean {
  return leaderElect ?? (!kubeconfig && !context && isInCluster());
}
