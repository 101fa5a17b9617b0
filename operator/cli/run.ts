import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { registerControllers } from '../controllers/index.ts';
import { withImageOverrides } from '../resources/images.ts';
import { RELEASE, RELEASE_IMAGES } from '../resources/release-images.ts';
import {
  createClient,
  createLogger,
  createManager,
  LOG_LEVELS,
  terminationSignal,
  type LogLevel,
} from '../runtime/index.ts';

export interface RunOptions {
  context?: string;
  kubeconfig?: string;
  namespace?: string[];
  imagesFile?: string;
  port: string;
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
    .addOption(new Option('--namespace <name...>', 'watch only these namespaces; by default all'))
    .addOption(
      new Option('--images-file <path>', "YAML file with images in place of the release's").env(
        'ORDERPLANE_IMAGES_FILE',
      ),
    )
    .addOption(
      new Option('--port <number>', 'port of /livez, /readyz and /metrics').env('MANAGEMENT_PORT').default('8081'),
    )
    .addOption(new Option('--log-level <level>').env('LOG_LEVEL').choices(LOG_LEVELS).default('info'))
    .action(async (options: RunOptions) => runOperator(options, terminationSignal()));
}

/** Runs the operator until the signal aborts, then lets running reconciles finish. */
export async function runOperator(options: RunOptions, signal: AbortSignal): Promise<void> {
  const log = createLogger({ level: options.logLevel });
  const overrides = options.imagesFile ? await readFile(options.imagesFile, 'utf8') : '';
  const client = createClient({
    kubeconfig: { path: options.kubeconfig, context: options.context },
    userAgent: `orderplane-operator/${RELEASE}`,
    // undici's HTTP/2 can raise an error that nobody can catch when the API server ends the connection.
    log,
  });
  const manager = createManager({
    client,
    log,
    http: { port: Number(options.port) },
    ...(options.namespace && { namespaces: options.namespace }),
  });
  registerControllers(manager, { client, images: withImageOverrides(RELEASE_IMAGES, overrides) });
  try {
    log.info({ release: RELEASE }, 'the operator starts');
    await manager.run(signal);
  } finally {
    await client.close();
  }
}
