/**
 * A service has two roles for each backend, and logs in with one of them. Which one, and how far a rotation to the other has come, is
 * kept in the Secret that its pods read: one write takes a login one step further, and a crash between two steps loses nothing.
 */
import type { Secret } from '../runtime/known-resources.ts';
import { secretValue, type Login } from './credentials.ts';

/** How far the last rotation has come. Annotation of a login's Secret; absent where there was none. */
export const ROTATION_STEP_ANNOTATION = 'orderplane.dev/rotation-step';
/** The request that a login was last rotated for. Annotation of its Secret. */
export const ROTATED_FOR_ANNOTATION = 'orderplane.dev/rotated-for';
/** Key of the other role's password, for as long as both roles can log in. */
export const OTHER_PASSWORD = 'other-password';

/**
 * `Staged`: the other role is being made, nobody uses it yet. `Switched`: pods start with it, those of before still use the first.
 * `Ended`: no pod does any more, so the first role goes.
 */
const ROTATION_STEPS = ['Staged', 'Switched', 'Ended'] as const;
export type RotationStep = (typeof ROTATION_STEPS)[number];

export interface LoginState {
  /** The role that pods log in with. */
  username: string;
  password: string | undefined;
  other: { username: string; password: string | undefined };
  step: RotationStep | undefined;
  rotatedFor: string | undefined;
  /** The version of the Secret that says so. */
  resourceVersion: string | undefined;
}

/** The two roles of a service, of which one is in use. */
export function rolesOf({ username }: Pick<Login, 'username'>): readonly [string, string] {
  return [username, `${username.replace(/_1$/, '')}_2`];
}

/** What the Secret of a login says; for one that is not there, or says nothing sensible, the beginning. */
export function loginState(login: Login, secret: Secret | undefined): LoginState {
  const [first, second] = rolesOf(login);
  const annotations = secret?.metadata.annotations;
  const isSecond = login.service !== undefined && secretValue(secret, 'username') === second;
  return {
    username: isSecond ? second : first,
    password: secretValue(secret, 'password') || undefined,
    other: { username: isSecond ? first : second, password: secretValue(secret, OTHER_PASSWORD) || undefined },
    step: ROTATION_STEPS.find((step) => step === annotations?.[ROTATION_STEP_ANNOTATION]),
    rotatedFor: annotations?.[ROTATED_FOR_ANNOTATION],
    resourceVersion: secret?.metadata.resourceVersion,
  };
}

/** Both roles can log in: the other one is coming, or going. */
export function isRotating({ step }: LoginState): boolean {
  return step === 'Staged' || step === 'Switched';
}

/** Some of the logins of a service have switched and others are about to: its pods roll once, when all have. */
export function areSwitching(states: readonly LoginState[]): boolean {
  return ['Staged', 'Switched'].every((step) => states.some((state) => state.step === step));
}
