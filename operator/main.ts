import { Command } from 'commander';

/** Each command loads its own code: a Job does not pay for the operator's imports, nor the operator for the local cluster's. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./cli/up.ts')).upCommand(),
  down: async () => (await import('./cli/down.ts')).downCommand(),
  check: async () => (await import('./cli/check.ts')).checkCommand(),
  run: async () => (await import('./cli/run.ts')).runCommand(),
  connect: async () => (await import('./jobs/commands.ts')).connectCommand(),
  provision: async () => (await import('./jobs/commands.ts')).provisionCommand(),
  migrate: async () => (await import('./jobs/commands.ts')).migrateCommand(),
  seed: async () => (await import('./jobs/commands.ts')).seedCommand(),
  verify: async () => (await import('./jobs/commands.ts')).verifyCommand(),
};

const asked = COMMANDS[process.argv[2] ?? ''];
const commands = asked ? [await asked()] : await loadable();
const program = new Command('orderplane')
  .description('One OrderPlatform resource becomes a running, event-driven order platform, and stays one.')
  .version('0.1.0')
  .showHelpAfterError('(orderplane --help lists the commands)');
for (const command of commands) program.addCommand(command);
try {
  await program.parseAsync();
} catch (error) {
  console.error(`orderplane: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** All commands, for the help. The operator's image leaves out those that work on a developer's machine. */
async function loadable(): Promise<Command[]> {
  const loaded = await Promise.allSettled(Object.values(COMMANDS).map((load) => load()));
  return loaded.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
