import { NIL_UUID, type Upstreams } from '../upstreams.ts';
import { isUnavailable } from '@orderplane/shared/errors.ts';
import { type Route, route } from './route.ts';
import { health } from './schemas.ts';

/** However many ask: the services are asked this often. */
const KEEP_MS = 2000;

type State = 'ok' | 'unavailable';
interface Health {
  readonly status: 'ok' | 'degraded';
  readonly services: Readonly<Record<string, State>>;
}

export function healthRoutes(upstreams: Upstreams, now: () => number): Route[] {
  let last: { at: number; health: Promise<Health> } | undefined;
  const recent = () => {
    if (!last || now() - last.at >= KEEP_MS) last = { at: now(), health: healthOf(upstreams) };
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

async function healthOf({ inventory, orders, orderQuery, users, payments }: Upstreams): Promise<Health> {
  // Questions without an answer, that every service has to ask its store all the same.
  const questions: readonly (readonly [string, Promise<unknown> | undefined])[] = [
    ['inventory', inventory.getProduct({ id: NIL_UUID })],
    ['orders', orders.getOrderTrace({ id: NIL_UUID })],
    ['order-query', orderQuery.getOrder({ id: NIL_UUID })],
    ['users', users?.getProfile({ userId: NIL_UUID })],
    ['payments', payments?.getPayment({ id: NIL_UUID })],
  ];
  const asked = questions.filter(([, answer]) => answer !== undefined);
  const services = Object.fromEntries(
    await Promise.all(asked.map(async ([name, answer]) => [name, await stateOf(answer)] as const)),
  );
  return { status: Object.values(services).every((state) => state === 'ok') ? 'ok' : 'degraded', services };
}

/** A service that refuses is there. */
async function stateOf(answer: Promise<unknown> | undefined): Promise<State> {
  try {
    await answer;
    return 'ok';
  } catch (error) {
    return isUnavailable(error) ? 'unavailable' : 'ok';
  }
}
