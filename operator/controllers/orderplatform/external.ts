/** Servers that the platform uses, but does not run: what their Secrets say, and whether they can be connected to. */
import { AUTHORITY_KEY } from '../../resources/authority.ts';
import { connectJob, connectPurpose, foreignLogins } from '../../resources/connect-job.ts';
import { secretValue, uriLike, type ExternalServer } from '../../resources/credentials.ts';
import { externalOf } from '../../resources/external.ts';
import { BACKENDS, type Backend } from '../../resources/names.ts';
import { Secrets, type Secret } from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { FAULT_POLL_MS, pending, stalled, waiting, type Fact } from '../fact.ts';
import { advanceRun } from '../runs/advance.ts';
import { unfinishedRun } from '../runs/fact.ts';
import type { Scope } from './scope.ts';

/** Secrets of the user's own are not watched: they are looked at again after a while. */
export const EXTERNAL_POLL_MS = 60_000;

type Data = Record<string, string>;

/**
 * Reads the Secrets of the external servers. What they say is kept in the scope; with it go the data of every Secret that could be read, of which
 * nothing but the URI and the authority is anybody's business.
 */
export async function readExternalServers({ client }: Deps, scope: Scope): Promise<Record<string, Data>> {
  const { platform, signal } = scope;
  const data: Record<string, Data> = {};
  for (const backend of BACKENDS) {
    const source = externalOf(platform, backend);
    if (!source) continue;
    const faults: Fact[] = [];
    for (const { who, secret: name } of foreignLogins(platform, backend)) {
      const secret = await client.get(Secrets, { namespace: platform.namespace, name }, { signal });
      const fault = secretFault(backend, who, name, secret);
      if (fault) faults.push(fault);
      else data[name] = relevantData(secret as Secret);
      const isAdministrator = name === source.secretRef.name;
      if (isAdministrator) scope.external.set(backend, fault ? { fault } : { server: serverOf(secret as Secret) });
    }
    const [fault] = faults;
    if (fault) scope.external.set(backend, { ...scope.external.get(backend), fault });
  }
  return data;
}

/**
 * Whether an external server can be connected to, found once for what its Secrets say. A service whose login is missing does not keep the others
 * from using it.
 */
export async function connectExternal(
  deps: Deps,
  scope: Scope,
  backend: Backend,
): Promise<{ isUp: boolean; fault?: Fact }> {
  const found = scope.external.get(backend);
  if (!found?.server) return { isUp: false, fault: found?.fault ?? pending(`waits for the Secret of ${backend}`) };
  const { platform, runs, secrets, signal } = scope;
  const purpose = connectPurpose(backend);
  const progress = await advanceRun(deps, connectJob(platform, backend, secrets), runs.get(purpose), {
    mayStart: true,
    signal,
  });
  if (progress.record) runs.set(purpose, progress.record);
  if (progress.isSettled) return { isUp: true, ...(found.fault && { fault: found.fault }) };
  const fact = unfinishedRun(progress, `connecting to ${backend}`);
  // A Secret that is put right is another input, and tried at once.
  return { isUp: false, fault: { ...fact, retryAfterMs: Math.min(fact.retryAfterMs ?? FAULT_POLL_MS, FAULT_POLL_MS) } };
}

function serverOf(secret: Secret): ExternalServer {
  return { uri: secretValue(secret, 'uri')?.trim() ?? '', authority: secretValue(secret, AUTHORITY_KEY) };
}

function relevantData({ data = {} }: Secret): Data {
  return Object.fromEntries(Object.entries(data).filter(([key]) => key === 'uri' || key === AUTHORITY_KEY));
}

function secretFault(backend: Backend, who: string, name: string, secret: Secret | undefined): Fact | undefined {
  const missing = (fault: string) => waiting('SecretMissing', `${backend} is external, but ${fault}`, FAULT_POLL_MS);
  const whose = who === 'the administrator' ? 'its' : `the login of ${who}:`;
  if (!secret) return missing(`${whose} Secret ${name} does not exist: create it, with the key uri`);
  const uri = secretValue(secret, 'uri')?.trim();
  if (!uri) return missing(`${whose} Secret ${name} has no key uri`);
  try {
    uriLike(uri, { backend, username: 'any', database: 'any' }, 'any');
    return undefined;
  } catch (error) {
    return stalled('InvalidSecret', `the uri in Secret ${name} ${(error as Error).message}`, FAULT_POLL_MS);
  }
}
