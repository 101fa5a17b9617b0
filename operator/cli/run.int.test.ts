import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, expect, jest, test } from '@jest/globals';
import { eventually } from '../controllers/testing/eventually.ts';
import { sharedCluster } from '../controllers/testing/shared-cluster.ts';
import { Services } from '../runtime/index.ts';

jest.setTimeout(90_000);

const MAIN = join(import.meta.dirname, '../main.ts');

const { cluster, platforms } = await sharedCluster();
const operators: Operator[] = [];

afterEach(async () => {
  for (const { child, exited } of operators.splice(0)) {
    child.kill('SIGKILL');
    await exited;
  }
});

interface Operator {
  child: ChildProcess;
  exited: Promise<number | null>;
  /** Everything it has logged so far. */
  output(): string;
}

/** `orderplane run` as a process of its own, with the rights that an installed one has. */
function startOperator(): Operator {
  const args = [MAIN, 'run', '--kubeconfig', cluster.operatorKubeconfig, '--leader-elect', '--port', '0'];
  const child = spawn(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const operator = { child, exited, output: () => output };
  operators.push(operator);
  return operator;
}

const says = (operator: Operator, what: string) =>
  eventually(
    `an operator says "${what}"`,
    async () => operator.output().includes(what),
    async () => operator.output(),
  );

/** Makes a platform in a namespace of its own, and waits until an operator has done something about it. */
async function platformIsServed(): Promise<void> {
  const namespace = await cluster.namespace();
  const services = [{ name: 'reports', image: 'x', port: 8080 }];
  await platforms.create(namespace, { services });
  await eventually('the Service of a platform', () =>
    cluster.client.get(Services, { namespace, name: 'shop-reports' }),
  );
}

test('of two operators one acts; the other takes over after SIGTERM, and from one that stands still, which ends when it wakes', async () => {
  const first = startOperator();
  await says(first, 'this process leads');
  const second = startOperator();
  await says(second, 'another process leads: standing by');
  await platformIsServed();

  first.child.kill('SIGTERM');
  expect(await first.exited).toBe(0);
  await says(second, 'this process leads');
  await platformIsServed();

  const third = startOperator();
  await says(third, 'another process leads: standing by');
  second.child.kill('SIGSTOP'); // to everybody else the same as SIGKILL
  const stopped = performance.now();
  await says(third, 'this process leads');
  await platformIsServed();
  expect(performance.now() - stopped).toBeLessThan(20_000);
  second.child.kill('SIGCONT');
  expect(await second.exited).toBe(1);
  expect(second.output()).toContain('lost the lead: the lease was not renewed for 10 s');
});
