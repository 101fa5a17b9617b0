import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Deployments, type Client } from '@orderplane/operator/runtime/index.ts';
import { freePorts, isFree } from '../cluster/ports.ts';
import { root } from '../root.ts';
import { serviceEnvironment, type Variable } from './environment.ts';
import type { Reach } from './reach.ts';
import { runWatched, type Watched } from './watch.ts';

export interface DevService {
  service: string;
  platform: string;
  namespace: string;
}

/** Runs a service of this checkout against the stores and services of a platform that is up. */
export async function devService(
  { service, platform, namespace }: DevService,
  { client, reach, signal }: { client: Client; reach: Reach; signal: AbortSignal },
): Promise<number> {
  const folder = join(root, 'services', service);
  const program = programOf(folder);
  const deployment = await client.get(Deployments, { namespace, name: `${platform}-${service}` });
  if (!deployment) {
    throw new Error(
      `there is no Deployment ${namespace}/${platform}-${service}: is the platform up (kubectl get orderplatforms -A), and has it this service?`,
    );
  }
  const container = deployment.spec?.template.spec?.containers[0];
  const portOf = (name: string | undefined): number | undefined =>
    container?.ports?.find((port) => (name ? port.name === name : port.name !== 'management'))?.containerPort;
  const local: Variable[] = [
    await portVariable('PORT', portOf(undefined)),
    await portVariable('MANAGEMENT_PORT', portOf('management')),
    // Nobody has to be told that this process goes.
    plain('DRAIN_DELAY_MS', '0'),
  ];
  const inherited = await serviceEnvironment(client, deployment, reach);
  const variables = [...inherited.filter(({ name }) => !local.some((own) => own.name === name)), ...local].map(
    fromShell,
  );

  for (const { name, shown } of variables) console.log(`  ${name}=${shown}`);
  const listening = variables.find(({ name }) => name === 'PORT')?.value;
  console.log(`\n${service} from ${folder.slice(root.length + 1)} on http://localhost:${listening}; Ctrl-C ends it.`);
  if (variables.some(({ name }) => name === 'BROKER_URI')) {
    console.log(`The pods of ${platform}-${service} run on beside it: messages go to whichever asks first.`);
  }
  console.log('');
  const env = { ...process.env, ...Object.fromEntries(variables.map(({ name, value }) => [name, value])) };
  return runWatched({ ...program, env }, signal);
}

type Program = Pick<Watched, 'args' | 'cwd' | 'serves' | 'reloadsItself'>;

function programOf(folder: string): Program {
  const server = join(folder, 'server.ts');
  if (existsSync(server)) return { args: [server], cwd: root, serves: /"msg":"listening"/ };
  if (existsSync(join(folder, 'next.config.mjs'))) {
    const next = createRequire(join(folder, 'package.json')).resolve('next/dist/bin/next');
    return { args: [next, 'dev'], cwd: folder, serves: /Ready in/, reloadsItself: true };
  }
  const shown = folder.slice(root.length + 1);
  throw new Error(`${shown}/server.ts does not exist: only the services of this checkout can be run from source`);
}

/** The port that the service has in its pods where that is free here, else another. */
async function portVariable(name: string, wanted: number | undefined): Promise<Variable> {
  const port = wanted && (await isFree(wanted)) ? wanted : (await freePorts(1))[0];
  return plain(name, String(port));
}

const plain = (name: string, value: string): Variable => ({ name, value, shown: value });

/** What is set in the shell wins: `ORDERS_URL=http://localhost:50052 npm run dev -- gateway` talks to the orders service that runs beside it. */
function fromShell(variable: Variable): Variable {
  const value = process.env[variable.name];
  return value === undefined || value === ''
    ? variable
    : { name: variable.name, value, shown: `${value}   (from the shell)` };
}
