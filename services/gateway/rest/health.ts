import { NIL_UUID, type Upstreams } from '../upstreams.ts';
import { isUnavailable, rootMessage } from '@orderplane/shared/errors.ts';
import type { Logger } from '@orderplane/shared/log.ts';
import { type Route, route } from './route.ts';
import { health } from './schemas.ts';

/** However many ask: the services are asked this often. */
const KEEP_MS = 2000;
/** All are waited for alike. A service's first answer after its start takes longer: names are resolved, and connections made, up to its store. */
const DEADLINE = { timeoutMs: 5000 };

type State = 'ok' | 'unavailable';
interface Health {
  readonly status: 'ok' | 'degraded';
  readonly services: Readonly<Record<string, State>>;
}

export function healthRoutes(upstreams: Upstreams, { now, log }: { now: () => number; log: Logger }): Route[] {
  let last: { at: number; health: Promise<Health> } | undefined;
  const recent = () => {
    if (!last || now() - last.at >= KEEP_MS) last = { at: now(), health: healthOf(upstreams, log) };
    return last.health;
  };
  return [
    route({
      method: 'GET',
      path: '/health',
      tag: 'Platform',
      summary: 'Which services answer. The gateway itself is ready as long as it answers this.',
      access: 'public',
      status: 200,
      answer: health,
      handle: async () => recent(),
    }),
  ];
}

async function healthOf(upstreams: Upstreams, log: Logger): Promise<Health> {
  const { inventory, orders, orderQuery, users, payments } = upstreams;
  // Questions without an answer, that every service has to ask its store all the same.
  const questions: readonly (readonly [string, Promise<unknown> | undefined])[] = [
    ['inventory', inventory.getProduct({ id: NIL_UUID }, DEADLINE)],
    ['orders', orders.getOrderTrace({ id: NIL_UUID }, DEADLINE)],
    ['order-query', orderQuery.getOrder({ id: NIL_UUID }, DEADLINE)],
    ['users', users?.getProfile({ userId: NIL_UUID }, DEADLINE)],
    ['payments', payments?.getPayment({ id: NIL_UUID }, DEADLINE)],
  ];
  const asked = questions.filter(([, answer]) => answer !== undefined);
  const services = Object.fromEntries(
    await Promise.all(asked.map(async ([name, answer]) => [name, await stateOf(name, answer, log)] as const)),
  );
  return { status: Object.values(services).every((state) => state === 'ok') ? 'ok' : 'degraded', services };
}

/** A service that refuses is there. */
async function stateOf(upstream: string, answer: Promise<unknown> | undefined, log: Logger): Promise<State> {
  try {
    await answer;
    return 'ok';
  } catch (error) {
    if (!isUnavailable(error)) return 'ok';
    log.warn({ upstream, reason: rootMessage(error) }, 'a service does not answer');
    return 'unavailable';
  }
}
