/** Runs Jest with ES modules enabled: `node hack/jest.ts [jest arguments]`. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const child = spawn(process.execPath, ['--experimental-vm-modules', '--no-warnings', jest, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.once('SIGTERM', () => child.kill());
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
