import type { OrderPlatform } from '../../api/v1alpha1/index.ts';
import { loginSecret, loginsOf, type Login } from '../../resources/credentials.ts';
import { CONFIG_HASH_ANNOTATION, INPUT_HASH_LABEL } from '../../resources/labels.ts';
import {
  OTHER_PASSWORD,
  ROTATED_FOR_ANNOTATION,
  ROTATION_STEP_ANNOTATION,
  type RotationStep,
} from '../../resources/login-state.ts';
import { hashOf, isConflict, isNotFound, Secrets } from '../../runtime/index.ts';
import { runLabels } from '../../resources/cron-job.ts';
import { appliedTemplate, workloadTemplate } from '../../resources/service.ts';
import { hasEnded, podsOfComponent } from '../caches.ts';
import type { Deps } from '../deps.ts';
import { all } from '../ensure.ts';
import { isAvailable } from './phases/available.ts';
import { planRotation, type ObservedLogin, type RotationMove } from './rotation-plan.ts';
import type { Scope } from './scope.ts';

/** A new value replaces the password of every service's every login, once. */
export const ROTATE_ANNOTATION = 'orderplane.dev/rotate';
const MAX_REQUEST = 253;

const MEANING: Readonly<Record<RotationMove['move'], string>> = {
  stage: 'making a second role for',
  switch: 'rolling the pods over to the new role of',
  end: 'all pods have changed over, ending the old role of',
};

type KnownLogin = ObservedLogin & Login & { service: string };
type KnownMove = { move: RotationMove['move']; login: KnownLogin };
type NextStep = { step: RotationStep; data: Record<string, string | null> };

/** What was last asked for, as it is noted. */
export function rotationRequest({ metadata }: OrderPlatform): string | undefined {
  return metadata.annotations?.[ROTATE_ANNOTATION]?.slice(0, MAX_REQUEST) || undefined;
}

/** Takes the logins of services one step further towards other roles, if that was asked for or has begun. */
export async function rotateCredentials(deps: Deps, scope: Scope): Promise<void> {
  const { object, platform, logins } = scope;
  const request = rotationRequest(object);
  const known = loginsOf(platform).flatMap((login) => {
    const state = logins.get(login.secret);
    return login.service && state ? [{ ...login, service: login.service, state }] : [];
  });
  const { moves, isHandled } = planRotation({
    request,
    logins: known,
    isProvisioned: (backend) => (backend === 'nats' ? scope.brokerIsReady : scope.provisioned.has(backend)),
    isRolledOut: (service) => isRolledOut(deps, scope, service),
  });
  await all(moves, (move) => perform(deps, scope, move, request));
  if (moves.length > 0) recordMoves(deps, scope, moves);
  if (!isHandled || request === scope.lastHandledRotation) return;
  scope.lastHandledRotation = request;
  if (known.length > 0)
    deps.recorder.event(object, {
      type: 'Normal',
      reason: 'Rotated',
      message: 'every service logs in with a new role and password, and those of before are no longer accepted',
    });
}

/** One write a login, refused where the cache is behind: so no step is taken twice, and a crash loses none. */
async function perform(
  deps: Deps,
  scope: Scope,
  { move, login }: KnownMove,
  request: string | undefined,
): Promise<void> {
  const { platform, signal } = scope;
  const { resourceVersion } = login.state;
  const { step, data } = nextStep(deps, scope, { move, login });
  const annotations = {
    [ROTATION_STEP_ANNOTATION]: step,
    ...(move === 'stage' && { [ROTATED_FOR_ANNOTATION]: request }),
  };
  const key = { namespace: platform.namespace, name: login.secret };
  try {
    await deps.client.mergePatch(Secrets, key, { metadata: { resourceVersion, annotations }, data }, { signal });
  } catch (error) {
    // Its newer version comes with the watch, and with it another visit.
    if (!isConflict(error) && !isNotFound(error)) throw error;
  }
}

function nextStep({ newSecret }: Deps, { platform, external }: Scope, { move, login }: KnownMove): NextStep {
  const { password, other } = login.state;
  switch (move) {
    case 'stage':
      return { step: 'Staged', data: { [OTHER_PASSWORD]: encoded(newSecret()) } };
    case 'switch': {
      const server = external.get(login.backend)?.server;
      const role = { ...login, username: other.username };
      const { data } = loginSecret(platform, role, other.password ?? '', server);
      return { step: 'Switched', data: { ...data, [OTHER_PASSWORD]: encoded(password ?? '') } };
    }
    case 'end':
      return { step: 'Ended', data: { [OTHER_PASSWORD]: null } };
  }
}

const encoded = (text: string) => Buffer.from(text).toString('base64');

function recordMoves({ recorder }: Pick<Deps, 'recorder'>, { object }: Scope, moves: readonly RotationMove[]): void {
  for (const [move, ofMove] of Map.groupBy(moves, (each) => each.move)) {
    const services = [...new Set(ofMove.map(({ login }) => login.service))].sort().join(', ');
    recorder.event(object, { type: 'Normal', reason: 'Rotating', message: `${MEANING[move]}: ${services}` });
  }
}

/** No pod of the service is left that was started with something else than its Secrets say now. */
function isRolledOut(
  { caches }: Pick<Deps, 'caches'>,
  { platform, desired, deployments, cronJobs }: Scope,
  service: string,
): boolean {
  const objects = desired?.services.find((each) => each.service.name === service);
  const wanted = objects && workloadTemplate(objects);
  if (!wanted) return false;
  const deployment = deployments.get(service);
  const cronJob = cronJobs.get(service);
  const isApplied =
    (deployment && appliedTemplate(deployment) && hashOf(appliedTemplate(deployment)) === hashOf(wanted)) ??
    (cronJob && runLabels(cronJob)[INPUT_HASH_LABEL] === hashOf(wanted));
  if (!isApplied) return false;
  if (deployment && !isAvailable(deployment, objects.service.autoscaling?.minReplicas)) return false;
  const hash = wanted.metadata?.annotations?.[CONFIG_HASH_ANNOTATION];
  return podsOfComponent(caches, platform, service).every(
    (pod) => hasEnded(pod) || pod.metadata.annotations?.[CONFIG_HASH_ANNOTATION] === hash,
  );
}
