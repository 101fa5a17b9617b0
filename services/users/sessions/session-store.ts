/** A login, from its first refresh token to its end. */
export interface Session {
  readonly id: string;
  readonly userId: string;
  /** Of the password that it was made with: once there is another one, the login is over. */
  readonly passwordVersion: number;
}

export interface Opening extends Session {
  readonly tokenHash: string;
  readonly expiresAt: Date;
}

export interface Exchange {
  readonly sessionId: string;
  readonly tokenHash: string;
  readonly successorHash: string;
  /** When the successor expires, and the login with it. */
  readonly expiresAt: Date;
  readonly at: Date;
}

/**
 * `exchanged`: the token worked, from now on its successor does. `repeated`: it had just worked, and its successor has not been used.
 * `reused`: it had worked before; the login was ended. `unknown`: no such token, or it has expired.
 */
export type Exchanged =
  | { readonly outcome: 'exchanged' | 'repeated'; readonly expiresAt: Date }
  | { readonly outcome: 'reused' }
  | { readonly outcome: 'unknown' };

/** How long after its exchange a token may be used again, to get the same successor. */
export const GRACE_MS = 10_000;

/**
 * Where the logins are kept. At any time exactly one token of a login can be exchanged: `exchange` is atomic, however many try at
 * once. Adapters are held to session-store-conformance.ts.
 */
export interface SessionStore {
  open(session: Opening): Promise<void>;
  find(sessionId: string, at: Date): Promise<Session | undefined>;
  exchange(exchange: Exchange): Promise<Exchanged>;
  /** Ends the login when the token is one of its, used or not. */
  end(token: { readonly sessionId: string; readonly hash: string }): Promise<void>;
  /** Lets the user's login outlive a change of the password. */
  keep(session: Session): Promise<void>;
}
