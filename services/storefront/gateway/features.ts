import { apiAddress } from './address.ts';
import { forward } from './forward.ts';
import { processWide } from './process-wide.ts';

/** What this platform runs: pages and links are only there for what is. */
export interface Features {
  /** Whether one can register and log in. */
  accounts: boolean;
  payments: boolean;
  /** Whether one can order without an account. */
  anonymousOrders: boolean;
}

interface Known {
  features?: Features;
  /** On performance.now's clock. */
  until: number;
  asking?: Promise<Features | undefined> | undefined;
}

const KEEP_MS = 10_000;
const ASK_TIMEOUT_MS = 5_000;

/**
 * What the gateway serves: a route of a service that is not there answers 404, one that needs an account 401. What was
 * known last holds while the gateway is away. Undefined when nothing is known within `budgetMs`.
 */
export async function platformFeatures(budgetMs: number): Promise<Features | undefined> {
  const known = processWide<Known>('features', () => ({ until: 0 }));
  if (known.features && performance.now() < known.until) return known.features;
  known.asking ??= askGateway()
    .then((features) => {
      if (features) Object.assign(known, { features, until: performance.now() + KEEP_MS });
      return known.features;
    })
    .finally(() => (known.asking = undefined));
  // What is known is good enough for a page; the next one has the news.
  return known.features ?? within(budgetMs, known.asking);
}

async function askGateway(): Promise<Features | undefined> {
  const [profile, payments, orders] = await Promise.all(['users/profile', 'payments', 'orders?first=1'].map(statusOf));
  if (profile === undefined || payments === undefined || orders === undefined) return undefined;
  // Whatever else orders answer, a 503 included: they did not ask who it is.
  return { accounts: profile !== 404, payments: payments !== 404, anonymousOrders: orders !== 401 };
}

/** Undefined: the gateway did not say. */
async function statusOf(path: string): Promise<number | undefined> {
  const answer = await forward(apiAddress(path), { timeoutMs: ASK_TIMEOUT_MS });
  const isItsOwn = answer.headers.get('x-request-id') !== null;
  return isItsOwn && answer.status !== 429 ? answer.status : undefined;
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  return Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
}
