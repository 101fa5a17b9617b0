/** When a login goes over to its other role, a step at a time; says what is to be done, and does nothing. Pure. */
import { isRotating, type LoginState } from '../../resources/login-state.ts';
import type { Backend } from '../../resources/names.ts';

export interface ObservedLogin {
  secret: string;
  service: string;
  backend: Backend;
  state: LoginState;
}

export interface RotationInput<L extends ObservedLogin> {
  /** What is asked for: any text, once each; undefined where nothing is. */
  request: string | undefined;
  logins: readonly L[];
  /** Whether the roles of a backend are what its logins' states ask for. */
  isProvisioned(backend: Backend): boolean;
  /** Whether every pod of a service was started with what its Secrets say now. */
  isRolledOut(service: string): boolean;
}

export type RotationMove<L extends ObservedLogin = ObservedLogin> = { move: 'stage' | 'switch' | 'end'; login: L };

/**
 * The next moves, and whether the request has been dealt with. All logins of a service switch at once, so that its pods roll once; what was
 * begun is ended before another request is looked at.
 */
export function planRotation<L extends ObservedLogin>(
  input: RotationInput<L>,
): { moves: RotationMove<L>[]; isHandled: boolean } {
  const { request, logins, isProvisioned } = input;
  const isDone = ({ state, backend }: ObservedLogin) =>
    !isRotating(state) && state.rotatedFor === request && isProvisioned(backend);
  const services = Map.groupBy(logins, ({ service }) => service);
  return {
    moves: Array.from(services, ([service, ofService]) => movesOf(service, ofService, input)).flat(),
    isHandled: request !== undefined && logins.every(isDone),
  };
}

function movesOf<L extends ObservedLogin>(
  service: string,
  logins: readonly L[],
  { request, isProvisioned, isRolledOut }: RotationInput<L>,
): RotationMove<L>[] {
  if (!logins.every(({ backend }) => isProvisioned(backend))) return [];
  const all = (move: RotationMove['move'], which: readonly L[]) => which.map((login) => ({ move, login }));
  const isOfRequest = ({ state }: ObservedLogin) => state.rotatedFor === request;
  const rotating = logins.filter(({ state }) => isRotating(state));
  const due = logins.filter((login) => !isRotating(login.state) && !isOfRequest(login));
  if (request !== undefined && due.length > 0 && rotating.every(isOfRequest)) return all('stage', due);
  const staged = rotating.filter(({ state }) => state.step === 'Staged');
  if (staged.length > 0) return all('switch', staged);
  return rotating.length > 0 && isRolledOut(service) ? all('end', rotating) : [];
}
