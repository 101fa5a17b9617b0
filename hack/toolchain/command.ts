import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
}

/**
 * Runs a command to its end and returns its standard output. The error of a failed one carries the end of what it wrote. The kernel kills the
 * command when this process dies, however it dies.
 */
export function runCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: 'pipe',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr = (stderr + chunk).slice(-16_384)));
    child.once('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(stdout);
      const said = (stderr.trim() || stdout.trim()).split('\n').slice(-20).join('\n');
      reject(
        new Error(
          `${[command, ...args].join(' ').slice(0, 200)} ended with ${signal ?? `exit status ${code}`}\n${said}`,
        ),
      );
    });
    // A command that ends without reading its input closes the pipe; its exit status says why.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

const SYSTEM_DIRS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Absolute path of a program on PATH or in the system administrator's folders, which an ordinary user's PATH lacks. */
export async function findProgram(name: string, path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  for (const dir of [...path.split(delimiter).filter((entry) => entry !== ''), ...SYSTEM_DIRS]) {
    const candidate = join(dir, name);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here: the next folder.
    }
  }
  return undefined;
}
