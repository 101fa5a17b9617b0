import {
  identitySecret,
  loginSecret,
  loginsOf,
  verificationSecret,
  type Login,
} from '../../../resources/credentials.ts';
import { referencesOf, referredValue } from '../../../resources/environment.ts';
import type { SecretData } from '../../../resources/desired.ts';
import {
  isRotating,
  loginState,
  ROTATED_FOR_ANNOTATION,
  ROTATION_STEP_ANNOTATION,
} from '../../../resources/login-state.ts';
import { claimName, componentName } from '../../../resources/names.ts';
import {
  isAlreadyExists,
  keyOf,
  PersistentVolumeClaims,
  Secrets,
  type Deployment,
  type Secret,
} from '../../../runtime/index.ts';
import type { Deps } from '../../deps.ts';
import { all, findOwned } from '../../ensure.ts';
import { Blocked, blockingFact, FAULT_POLL_MS, holds, pending, stalled, type Fact } from '../../fact.ts';
import { EXTERNAL_POLL_MS, readExternalServers } from '../external.ts';
import { pinTemplates } from '../pinning/pin.ts';
import { rotationRequest } from '../rotation.ts';
import type { Scope } from '../scope.ts';
import { pullSecretFault } from './pull-secrets.ts';
import { readReferences } from './references.ts';

/** Secrets and ConfigMaps that services refer to are not watched: this often they are looked at. */
const REFERENCE_POLL_MS = 10_000;

/**
 * Sees to it that every password and key exists. They are created once, by POST, and never written over: where two create at once,
 * the first wins and the second reads it back.
 */
export async function reconcileCredentials(deps: Deps, scope: Scope): Promise<Fact> {
  const { platform, logins, refusedLogins } = scope;
  scope.referenced = await readReferences(deps, scope);
  const data: Record<string, Readonly<Record<string, string>>> = await readExternalServers(deps, scope);
  const keep = (secret: Secret | undefined) => {
    if (secret) data[secret.metadata.name] = secret.data ?? {};
  };
  const refusals: Fact[] = [];
  try {
    await all(loginsOf(platform), async (login) => {
      const secret = await ensureLogin(deps, scope, login).catch((error: unknown) => {
        if (!(error instanceof Blocked)) throw error;
        refusals.push(error.fact);
        refusedLogins.add(login.secret);
        return undefined;
      });
      keep(secret);
      if (secret) logins.set(login.secret, loginState(login, secret));
    });
    if (platform.services.some(({ checksVerification }) => checksVerification))
      keep(await ensureKey(deps, scope, verificationSecret));
    if (platform.services.some(({ keepsAccounts }) => keepsAccounts))
      keep(await ensureKey(deps, scope, identitySecret));
  } finally {
    scope.secrets = data satisfies SecretData;
    scope.desired = pinTemplates(deps, scope, deps.renderer.render(platform, scope.secrets, scope.referenced));
  }
  return blockingFact(refusals) ?? (await pullSecretFault(deps, scope)) ?? credentialsFact(scope);
}

function credentialsFact(scope: Scope): Fact {
  const { platform, secrets, external, logins } = scope;
  const unreadable = [...external.values()].find(({ server, fault }) => server && fault)?.fault;
  if (unreadable) return unreadable;
  const missing = loginsOf(platform).filter(({ secret }) => !(secret in secrets)).length;
  if (missing > 0) return pending(`${missing} logins wait for the Secret of an external store`);
  const lookAgainMs = pollAfterMs(scope);
  const rotating = [...logins.values()].filter(isRotating).map(({ username }) => username);
  if (rotating.length > 0)
    return holds(
      'Rotating',
      `both roles can log in until its pods have changed over: ${rotating.sort().join(', ')}`,
      lookAgainMs,
    );
  return holds('Ready', 'every password and key exists', lookAgainMs);
}

/** When what is not watched is to be read again; undefined where there is nothing of the kind. */
function pollAfterMs(scope: Scope): number | undefined {
  const references = scope.platform.services.flatMap(referencesOf);
  if (references.some((each) => referredValue(scope.referenced, each) === undefined)) return FAULT_POLL_MS;
  if (references.length > 0) return REFERENCE_POLL_MS;
  return scope.external.size + scope.platform.pullSecrets.length > 0 ? EXTERNAL_POLL_MS : undefined;
}

/** The Secret of a login; undefined while an external store is not known. */
async function ensureLogin(deps: Deps, scope: Scope, login: Login): Promise<Secret | undefined> {
  const { platform } = scope;
  const external = scope.external.get(login.backend);
  if (external && !external.server) return findSecret(deps, scope, login.secret);
  return keepSecret(deps, scope, login.secret, async (existing) => {
    const { username, password } = loginState(login, existing);
    if (!password && !login.service) await accountForLostPassword(deps, scope, login);
    // What follows from role and password is repaired; they themselves never change here.
    const wanted = loginSecret(
      platform,
      existing ? { ...login, username } : login,
      password ?? deps.newSecret(),
      external?.server,
    );
    return existing ? wanted : withRotation(deps, scope, login, wanted);
  });
}

/**
 * Creates a Secret, or puts right the one that is there. What the cache does not know of is most likely not there, and is created without a
 * look: the server refuses that where it is.
 * @param wanted what it is to be, for what is there
 */
async function keepSecret(
  deps: Deps,
  scope: Scope,
  name: string,
  wanted: (existing: Secret | undefined) => Promise<Secret>,
): Promise<Secret> {
  const { signal } = scope;
  if (!deps.caches.secrets.get({ namespace: scope.platform.namespace, name })) {
    try {
      return await deps.client.create(Secrets, await wanted(undefined), { signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
  const existing = await findSecret(deps, scope, name);
  return existing
    ? repairSecret(deps, existing, await wanted(existing), signal)
    : deps.client.create(Secrets, await wanted(undefined), { signal });
}

function findSecret(deps: Deps, scope: Scope, name: string): Promise<Secret | undefined> {
  const key = { namespace: scope.platform.namespace, name };
  return findOwned(deps, deps.caches.secrets, scope.platform, key, scope);
}

/** Puts right what of a Secret is not secret; no request where it is right. */
async function repairSecret(
  { client }: Deps,
  existing: Secret,
  { metadata: { labels, annotations }, data = {} }: Pick<Secret, 'metadata' | 'data'>,
  signal: AbortSignal,
): Promise<Secret> {
  if (
    isPartOf(data, existing.data) &&
    isPartOf(labels, existing.metadata.labels) &&
    isPartOf(annotations, existing.metadata.annotations)
  )
    return existing;
  // Refused where the cache is behind: what follows from an older password must not be written beside a newer one.
  const { resourceVersion } = existing.metadata;
  const patch = { metadata: { resourceVersion, labels, annotations }, data };
  return client.mergePatch(Secrets, keyOf(existing), patch, { signal });
}

function isPartOf(wanted: Record<string, string> | undefined, actual: Record<string, string> | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([name, value]) => actual?.[name] === value);
}

/**
 * A login that is made after its service had one already (its Secret was lost) may have pods that use the other role: that one goes when
 * they are gone. And none that is new has to be rotated for what was asked before.
 */
function withRotation({ caches }: Deps, { object, platform }: Scope, { service }: Login, secret: Secret): Secret {
  if (!service) return secret;
  const request = rotationRequest(object);
  const workload = caches.deployments.get({
    namespace: platform.namespace,
    name: componentName(platform.name, service),
  });
  const annotations = {
    ...secret.metadata.annotations,
    ...(request && { [ROTATED_FOR_ANNOTATION]: request }),
    ...(workload && { [ROTATION_STEP_ANNOTATION]: usesSecret(workload, secret) ? 'Switched' : 'Ended' }),
  };
  return { ...secret, metadata: { ...secret.metadata, annotations } };
}

function usesSecret({ spec }: Deployment, { metadata }: Secret): boolean {
  const variables = (spec?.template.spec?.containers ?? []).flatMap(({ env }) => env ?? []);
  return variables.some(({ valueFrom }) => valueFrom?.secretKeyRef?.name === metadata.name);
}

/** A key that is made once, and never again. */
function ensureKey(deps: Deps, scope: Scope, secretWith: typeof verificationSecret): Promise<Secret> {
  const { metadata, ...fresh } = secretWith(scope.platform, deps.newSecret());
  return keepSecret(deps, scope, metadata.name, async (existing) => (existing ? { metadata } : { metadata, ...fresh }));
}

/**
 * A new password does not open data that an older one was set on. Where the server is given one before it starts that does no harm, and is
 * told; the others need a person.
 */
async function accountForLostPassword(deps: Deps, scope: Scope, login: Login): Promise<void> {
  const { platform, object, signal } = scope;
  if (login.backend === 'nats') return;
  const claim = { namespace: platform.namespace, name: claimName(platform.name, login.backend) };
  if (!(await deps.client.get(PersistentVolumeClaims, claim, { signal }))) return;
  if (login.backend === 'mongo') throw lostPassword(login, platform.name);
  const message = `Secret ${login.secret} was lost: it is made anew, and its password set as the pod of ${login.backend} restarts`;
  deps.recorder.event(object, { type: 'Warning', reason: 'PasswordReset', message });
}

function lostPassword({ backend, secret }: Login, platform: string): Blocked {
  const claim = claimName(platform, backend);
  return new Blocked(
    stalled(
      'CredentialsLost',
      `the volume ${claim} exists, but the password of its administrator does not: restore Secret ${secret} with the keys uri, username and password, or delete the volume claim to begin without its data`,
      30_000,
    ),
  );
}
