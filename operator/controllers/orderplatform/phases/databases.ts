import { isProvisioned } from '../../../resources/external.ts';
import { loginsOf } from '../../../resources/credentials.ts';
import type { LoginState } from '../../../resources/login-state.ts';
import type { StoreName } from '../../../resources/names.ts';
import {
  databasesOf,
  provisionJob,
  provisionPurpose,
  type ProvisionedLogin,
} from '../../../resources/platform-jobs.ts';
import type { Platform } from '../../../resources/platform.ts';
import type { Deps } from '../../deps.ts';
import { all } from '../../ensure.ts';
import { blockingFact, holds, pending, type Fact } from '../../fact.ts';
import { advanceRun, type RunProgress } from '../../runs/advance.ts';
import { unfinishedRun } from '../../runs/fact.ts';
import { wantedMigrations } from '../requirements.ts';
import type { Scope } from '../scope.ts';

/** Makes databases, roles and users, each store by itself: Postgres does not wait for Mongo. */
export async function reconcileDatabases(deps: Deps, scope: Scope): Promise<Fact> {
  const stores = Object.keys(scope.platform.stores) as StoreName[];
  const facts = await all(stores, (store) => reconcileStoreDatabases(deps, scope, store));
  scope.databases = scope.databases.filter(({ engine }) => stores.includes(engine));
  return (
    blockingFact(facts) ??
    facts.find(({ reason }) => reason === 'Ready') ??
    holds('NotRequested', 'no service needs a database')
  );
}

async function reconcileStoreDatabases(deps: Deps, scope: Scope, store: StoreName): Promise<Fact> {
  const { platform, runs } = scope;
  const identity = scope.identities.get(store);
  if (!identity) return pending(`waits for ${store}`);
  const databases = wantedDatabases(deps, scope, store);
  // Data on another volume or server are other data.
  scope.databases = scope.databases.filter(({ engine, store: known }) => engine !== store || known === identity);
  if (!isNeeded(platform, store, databases)) {
    scope.databases = scope.databases.filter(({ engine }) => engine !== store);
    return holds('NotRequested', `nothing needs a database in ${store}`);
  }
  if (!isProvisioned(platform, store)) {
    if (!scope.readyStores.has(store)) return pending(`waits for ${store}`);
    return keepDatabases(scope, store, databases, identity);
  }
  const logins = provisionedLogins(scope, store);
  if (!logins) return pending(`waits for credentials of ${store}`);

  const job = provisionJob(platform, { store, identity, databases, logins });
  const purpose = provisionPurpose(store);
  const progress = await advanceRun(deps, job, runs.get(purpose), {
    mayStart: scope.readyStores.has(store),
    signal: scope.signal,
  });
  if (progress.record) runs.set(purpose, progress.record);
  if (!progress.isSettled) return unsettled(store, progress);
  return keepDatabases(scope, store, databases, identity);
}

/** Redis has users, but no databases with names. */
function wantedDatabases(deps: Deps, scope: Scope, store: StoreName): string[] {
  if (store === 'redis') return [];
  const migrated = wantedMigrations(deps, scope).flatMap(({ spec }) => (spec.engine === store ? spec.database : []));
  return databasesOf(scope.platform, store, migrated);
}

function isNeeded({ services }: Platform, store: StoreName, databases: readonly string[]): boolean {
  return databases.length > 0 || services.some(({ needs }) => needs[store]);
}

function keepDatabases(scope: Scope, store: StoreName, databases: readonly string[], identity: string): Fact {
  scope.provisioned.add(store);
  if (store === 'redis') return holds('Ready', 'users exist');
  scope.databases = [
    ...scope.databases.filter(({ engine }) => engine !== store),
    ...databases.map((name) => ({ engine: store, name, store: identity })),
  ];
  return holds('Ready', 'databases and roles exist');
}

/** The logins of services to a store; undefined while one is still to come. Those whose Secret is not ours are not waited for. */
function provisionedLogins(
  { platform, logins, refusedLogins }: Scope,
  store: StoreName,
): ProvisionedLogin[] | undefined {
  const wanted = loginsOf(platform).filter(
    ({ backend, service, secret }) => backend === store && service && !refusedLogins.has(secret),
  );
  const known = wanted.flatMap((login) => {
    const state: LoginState | undefined = logins.get(login.secret);
    return state?.password ? { login, state } : [];
  });
  return known.length === wanted.length ? known : undefined;
}

function unsettled(store: StoreName, progress: RunProgress): Fact {
  const isGated = !progress.running && progress.retryAfterMs === undefined;
  return isGated ? pending(`waits for ${store}`) : unfinishedRun(progress, `making databases and roles in ${store}`);
}
