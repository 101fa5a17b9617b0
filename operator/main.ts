import { enableCompileCache } from 'node:module';
import { Command } from 'commander';
import { RELEASE } from './resources/release-images.ts';

type Load = () => Promise<Command>;

/** Each command loads its own code: a Job does not pay for the operator's imports, nor the operator for the local cluster's. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, Load>>>> = {
  'A platform:': {
    status: async () => (await import('./cli/status.ts')).statusCommand(),
    why: async () => (await import('./cli/why.ts')).whyCommand(),
    plan: async () => (await import('./cli/plan.ts')).planCommand(),
    migrations: async () => (await import('./cli/migrations.ts')).migrationsCommand(),
    render: async () => (await import('./cli/render.ts')).renderCommand(),
    order: async () => (await import('./cli/order.ts')).orderCommand(),
    reseed: async () => (await import('./cli/reseed.ts')).reseedCommand(),
  },
  'The operator:': {
    install: async () => (await import('./cli/install.ts')).installCommand(),
    uninstall: async () => (await import('./cli/uninstall.ts')).uninstallCommand(),
    run: async () => (await import('./cli/run.ts')).runCommand(),
  },
  'A local cluster:': {
    up: async () => (await import('./cli/up.ts')).upCommand(),
    down: async () => (await import('./cli/down.ts')).downCommand(),
    check: async () => (await import('./cli/check.ts')).checkCommand(),
  },
  'Inside Jobs of the operator:': {
    connect: async () => (await import('./jobs/commands.ts')).connectCommand(),
    provision: async () => (await import('./jobs/commands.ts')).provisionCommand(),
    migrate: async () => (await import('./jobs/commands.ts')).migrateCommand(),
    seed: async () => (await import('./jobs/commands.ts')).seedCommand(),
    verify: async () => (await import('./jobs/commands.ts')).verifyCommand(),
  },
};
const COMMANDS = Object.assign({}, ...Object.values(GROUPS)) as Readonly<Record<string, Load>>;

// A person waits for the command line to start; a pod starts once, and has no place for a cache.
if (!process.env.KUBERNETES_SERVICE_HOST) enableCompileCache();
const args = commandFirst(process.argv.slice(2));
const asked = COMMANDS[args[0] ?? ''];
const program = new Command('orderplane')
  .description('One OrderPlatform resource becomes a running, event-driven order platform, and stays one.')
  .version(RELEASE)
  .showHelpAfterError('(orderplane --help lists the commands)');
try {
  for (const command of asked ? [await asked()] : await loadable()) program.addCommand(command);
  await program.parseAsync(args, { from: 'user' });
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const isLeftOut = message.includes('Cannot find module') && message.includes(`/cli/${args[0]}.ts`);
  console.error(
    `orderplane: ${isLeftOut ? `${args[0]} is run from a checkout, not from the operator's image` : message}`,
  );
  process.exitCode = 1;
}

/** `--context X status` means `status --context X`, as with kubectl. */
function commandFirst(given: readonly string[]): readonly string[] {
  const at = given[0]?.startsWith('-') ? given.findIndex((arg) => arg in COMMANDS) : 0;
  return at > 0 ? [given[at] as string, ...given.slice(0, at), ...given.slice(at + 1)] : given;
}

/** All commands, for the help. The operator's image leaves out those that work on a developer's machine. */
async function loadable(): Promise<Command[]> {
  const loaded = await Promise.allSettled(
    Object.entries(GROUPS).flatMap(([group, commands]) =>
      Object.values(commands).map(async (load) => (await load()).helpGroup(group)),
    ),
  );
  return loaded.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
