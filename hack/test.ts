/**
 * `npm test`: everything a change must pass: checks, unit tests, tests against real servers, tests on a real node.
 * `npm test -- check unit int e2e` runs the named parts only. Ends with `N passed, N failed` over all of them.
 */
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordFlows } from '../e2e/harness/network/record.ts';
import { prepareNode, releaseNode } from '../e2e/harness/prepare.ts';
import { runChecks, type Tally } from './check.ts';
import { createProgress, type Progress } from './progress.ts';
import { root } from './root.ts';
import { ensureTestTools } from './testing/tools.ts';

interface Part {
  readonly name: string;
  readonly title: string;
  run(): Promise<Tally>;
}

const PARTS: readonly Part[] = [
  { name: 'check', title: 'Format, lint, types, generated files', run: () => runChecks({ fix: false }) },
  { name: 'unit', title: 'Unit tests', run: () => jest('unit', []) },
  {
    name: 'int',
    title: 'Tests against real servers',
    run: async () => {
      await ensureTestTools(createProgress());
      return jest('int', ['--runInBand']);
    },
  },
  {
    name: 'e2e',
    title: 'Tests on a real node',
    run: async () => {
      const report = createProgress();
      try {
        const scenarios = await recordedScenarios(report);
        // What all of them together have shown.
        return sum(scenarios, await jest('afterwards', []));
      } finally {
        await releaseNode(report);
      }
    },
  },
];

async function recordedScenarios(report: Progress): Promise<Tally> {
  const flows = await recordFlows(await prepareNode(report), report);
  try {
    return await jest('e2e', ['--runInBand']);
  } finally {
    await flows.stop();
  }
}

/** Runs one Jest project and reads its tally from Jest's own report; a run without a report is a failure. */
async function jest(project: string, args: readonly string[]): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), 'orderplane-jest-'));
  const report = join(folder, 'report.json');
  try {
    const options = ['--selectProjects', project, ...args, '--json', `--outputFile=${report}`];
    const code = await exitCode(['hack/jest.ts', ...options], folder);
    const found: unknown = JSON.parse(await readFile(report, 'utf8').catch(() => '{}'));
    return tallyOf(found, code);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function tallyOf(report: unknown, code: number): Tally {
  const counts = report as { numPassedTests?: number; numFailedTests?: number; numRuntimeErrorTestSuites?: number };
  const passed = counts.numPassedTests ?? 0;
  const failed = (counts.numFailedTests ?? 0) + (counts.numRuntimeErrorTestSuites ?? 0);
  // A runner that fails without a failing test (a crash, an empty selection) must not read as success.
  return { passed, failed: failed === 0 && (code !== 0 || passed === 0) ? 1 : failed };
}

function sum(one: Tally, other: Tally): Tally {
  return { passed: one.passed + other.passed, failed: one.failed + other.failed };
}

/** What a test leaves open keeps Jest from ending: that is a failure, which is not to hold up the parts after it. */
const GRACE_MS = 60_000;

/** @param folder in which there is something as soon as all tests have run */
function exitCode(args: readonly string[], folder: string): Promise<number> {
  return new Promise((resolve, reject) => {
    // Jest's JSON goes to the file; its own report for people goes to stderr, shown as it comes.
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    let grace: NodeJS.Timeout | undefined;
    const watcher = watch(folder, () => {
      grace ??= setTimeout(() => {
        console.error(`Jest does not end ${GRACE_MS / 1000} s after its tests: one of them left something open`);
        child.kill();
      }, GRACE_MS);
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      watcher.close();
      clearTimeout(grace);
      resolve(code ?? 1);
    });
  });
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}. The parts are ${PARTS.map((part) => part.name).join(', ')}.`);
  process.exit(2);
}

const total: Tally = { passed: 0, failed: 0 };
for (const part of PARTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const started = Date.now();
  console.log(`\n— ${part.title}`);
  const tally = await part.run().catch((error: unknown): Tally => {
    console.error(error);
    return { passed: 0, failed: 1 };
  });
  total.passed += tally.passed;
  total.failed += tally.failed;
  console.log(
    `— ${part.name}: ${tally.passed} of ${tally.passed + tally.failed} in ${Math.round((Date.now() - started) / 1000)} s`,
  );
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
