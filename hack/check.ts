/**
 * `npm run check`: format, lint (layers included), types, and generated files against their sources.
 * `npm run format` (`--fix`) writes what can be mended by itself.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { generateContracts } from './generate/contracts.ts';
import { generateCrds } from './generate/crds.ts';
import { generateReleaseCatalogue } from './generate/release-catalogue.ts';
import { root } from './root.ts';
import { versionDrift } from './versions.ts';

export interface Tally {
  passed: number;
  failed: number;
}

interface Check {
  readonly name: string;
  /** The fault in words, or undefined when there is none. */
  run(fix: boolean): string | undefined | Promise<string | undefined>;
}

const CHECKS: readonly Check[] = [
  { name: 'format', run: (fix) => tool('prettier', ['--log-level', 'warn', fix ? '--write' : '--check', '.']) },
  { name: 'lint', run: (fix) => tool('oxlint', ['--type-aware', ...(fix ? ['--fix'] : [])]) },
  { name: 'types', run: () => tool('tsc', ['-p', 'tsconfig.json']) },
  { name: 'types of the storefront', run: () => tool('tsc', ['-p', 'services/storefront/tsconfig.json']) },
  { name: 'crds/ generated from the schemas', run: (fix) => listed(generateCrds({ check: !fix })) },
  {
    name: 'release catalogue generated from versions.yaml',
    run: (fix) => listed(generateReleaseCatalogue({ check: !fix })),
  },
  { name: 'protobuf code generated from the contracts', run: (fix) => listed(generateContracts({ check: !fix })) },
  { name: 'versions.yaml agrees with package.json and go.mod', run: () => listed(versionDrift()) },
];

/** Runs every check, prints a line for each, and returns how many held. */
export async function runChecks(options: { fix: boolean }): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0 };
  for (const check of CHECKS) {
    const started = Date.now();
    const fault = await check.run(options.fix);
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    console.log(`${fault === undefined ? '✓' : '✗'} ${check.name} (${seconds} s)`);
    if (fault === undefined) {
      tally.passed += 1;
    } else {
      console.log(fault.trimEnd().replace(/^/gm, '    '));
      tally.failed += 1;
    }
  }
  return tally;
}

function tool(name: string, args: readonly string[]): string | undefined {
  const result = spawnSync(join(root, 'node_modules', '.bin', name), args, { cwd: root, encoding: 'utf8' });
  if (result.error) return `${name} could not be started: ${result.error.message}`;
  return result.status === 0 ? undefined : `${result.stdout}${result.stderr}` || `${name} exited with ${result.status}`;
}

async function listed(faults: readonly string[] | Promise<readonly string[]>): Promise<string | undefined> {
  const found = await faults;
  return found.length === 0 ? undefined : `${found.join('\n')}\nRun \`npm run generate\` and commit the result.`;
}

if (import.meta.main) {
  const { failed } = await runChecks({ fix: process.argv.includes('--fix') });
  process.exitCode = failed === 0 ? 0 : 1;
}
