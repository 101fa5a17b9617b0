import type { Tokens } from './cookies.ts';

export type Renewal =
  | { kind: 'renewed'; tokens: Tokens }
  /** The login is over. */
  | { kind: 'ended' }
  /** Nobody could say. `answer` does what the problem is. */
  | { kind: 'unknown'; answer: Response };

export interface RenewalsOptions {
  /** Asks the gateway to exchange a refresh token. Never rejects. */
  exchange: (refreshToken: string) => Promise<Response>;
  /** Milliseconds on a clock that never goes back. */
  now: () => number;
}

/**
 * Requests that a browser sent before it had the new cookies still come with the old ones. For so long they get what the
 * first of them got; it is how long the platform, too, takes the former token for one of the same visitor.
 */
const KEEP_MS = 10_000;

/**
 * Exchanges a refresh token once, however many requests come with it at the same time: it works once, and used again
 * later it ends the login. An exchange whose answer got lost is asked for again at once, as the platform's rule has it.
 */
export function renewals({ exchange, now }: RenewalsOptions): (refreshToken: string) => Promise<Renewal> {
  const flights = new Map<string, { renewal: Promise<Renewal>; until: number }>();
  return (refreshToken) => {
    for (const [token, { until }] of flights) if (until < now()) flights.delete(token);
    const flight = flights.get(refreshToken);
    if (flight) return flight.renewal;
    const renewal = renew(exchange, refreshToken);
    flights.set(refreshToken, { renewal, until: Infinity });
    void renewal.then(({ kind }) => {
      if (kind === 'renewed') flights.set(refreshToken, { renewal, until: now() + KEEP_MS });
      else flights.delete(refreshToken);
    });
    return renewal;
  };
}

async function renew(exchange: RenewalsOptions['exchange'], refreshToken: string): Promise<Renewal> {
  let answer = await exchange(refreshToken);
  if (answer.status >= 500) answer = await exchange(refreshToken);
  if (answer.ok) return { kind: 'renewed', tokens: (await answer.json()) as Tokens };
  // 400: no token that the gateway ever made.
  return answer.status === 401 || answer.status === 400 ? { kind: 'ended' } : { kind: 'unknown', answer };
}
