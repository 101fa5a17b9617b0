import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { startControlPlane } from '../../hack/testing/control-plane.ts';
import { createClient } from './client.ts';
import { isConditionTrue, type Condition } from './conditions.ts';
import { ConfigMaps, CustomResourceDefinitions, Leases } from './known-resources.ts';
import { defineResource, type KubeObject } from './resource.ts';
import { eventually } from './testing/eventually.ts';

const DOCS = join(import.meta.dirname, '../../docs/runtime.md');
const RUNTIME = pathToFileURL(join(import.meta.dirname, 'index.ts')).href;

type Greeting = KubeObject & { spec: { name: string }; status?: { conditions?: Condition[] } };
const Greetings = defineResource<Greeting>('example.dev/v1', 'Greeting', 'greetings');

const crd = {
  metadata: { name: 'greetings.example.dev' },
  spec: {
    group: 'example.dev',
    scope: 'Namespaced',
    names: { kind: 'Greeting', plural: 'greetings' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

/** The program in the docs; only where it imports the runtime from is filled in. */
async function exampleProgram(): Promise<string> {
  const [, program] = /```ts\n(.*?)```/s.exec(await readFile(DOCS, 'utf8')) ?? [];
  if (!program) throw new Error(`${DOCS} has no program`);
  expect(program.split('\n').length).toBeLessThan(75);
  return program.replace('@orderplane/operator/runtime/index.ts', RUNTIME);
}

test('the operator in docs/runtime.md runs: it follows, repairs, reports, and hands over its lease', async () => {
  const controlPlane = await startControlPlane();
  const user = createClient({ kubeconfig: { path: controlPlane.kubeconfig }, fieldManager: 'somebody' });
  const folder = await mkdtemp(join(tmpdir(), 'example-'));
  const key = { namespace: 'default', name: 'world' };
  const text = async () => (await user.get(ConfigMaps, key))?.data?.text;
  const greet = (name: string) => user.apply(Greetings, { metadata: key, spec: { name } });
  await writeFile(join(folder, 'greeter.ts'), await exampleProgram());
  await user.apply(CustomResourceDefinitions, crd as never);
  await eventually('the CRD', async () => {
    const stored = await user.get(CustomResourceDefinitions, { namespace: '', name: crd.metadata.name });
    return isConditionTrue(stored?.status?.conditions, 'Established');
  });

  const greeter = spawn(process.execPath, [join(folder, 'greeter.ts')], {
    env: { ...process.env, KUBECONFIG: controlPlane.kubeconfig, PORT: '0', NODE_OPTIONS: '' },
  });
  let output = '';
  for (const stream of [greeter.stdout, greeter.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const exited = new Promise<number | null>((resolve) => greeter.on('exit', resolve));
  try {
    await greet('world');
    await eventually('the ConfigMap', async () => (await text()) === 'Hello, world!');
    await greet('moon');
    await eventually('the change', async () => (await text()) === 'Hello, moon!');
    await user.mergePatch(ConfigMaps, key, { data: { text: 'drift' } });
    await eventually('the repair', async () => (await text()) === 'Hello, moon!');
    await eventually('the status', async () => {
      const { metadata, status } = (await user.get(Greetings, key))!;
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      return ready?.status === 'True' && ready.observedGeneration === metadata.generation;
    });
    const lease = { namespace: 'default', name: 'greeter' };
    expect((await user.get(Leases, lease))?.spec?.holderIdentity).toBeTruthy();
    greeter.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect((await user.get(Leases, lease))?.spec?.holderIdentity).toBeUndefined();
  } catch (error) {
    throw new Error(`${String(error)}\nthe program said:\n${output}`, { cause: error });
  } finally {
    greeter.kill('SIGKILL');
    await user.close();
    await controlPlane.stop();
    await rm(folder, { recursive: true });
  }
}, 90_000);
