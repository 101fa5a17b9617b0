import { inTransaction, type Pool, query, type Queryable } from '@orderplane/shared/postgres.ts';
import { type Exchange, type Exchanged, GRACE_MS, type SessionStore } from './session-store.ts';

export interface PostgresSessionStore extends SessionStore {
  /** Removes what has expired; returns how many logins that were. */
  sweep(at: Date): Promise<number>;
}

const SWEEP_AT_ONCE = 1000;

export function postgresSessionStore(pool: Pool): PostgresSessionStore {
  return {
    async open({ id, userId, passwordVersion, tokenHash, expiresAt }) {
      await query(
        pool,
        'insert into sessions (id, user_id, password_version, token_hash, expires_at) values ($1, $2, $3, $4, $5)',
        [id, userId, passwordVersion, bytes(tokenHash), expiresAt],
      );
    },
    async find(sessionId, at) {
      const [row] = await query<{ user_id: string; password_version: number }>(
        pool,
        'select user_id, password_version from sessions where id = $1 and expires_at > $2',
        [sessionId, at],
      );
      return row && { id: sessionId, userId: row.user_id, passwordVersion: row.password_version };
    },
    exchange: (exchange) => inTransaction(pool, (transaction) => exchangeIn(transaction, exchange)),
    async end({ sessionId, hash }) {
      await query(
        pool,
        `delete from sessions where id = $1 and (token_hash = $2
           or exists (select from used_tokens where session_id = $1 and token_hash = $2))`,
        [sessionId, bytes(hash)],
      );
    },
    async keep({ id, userId, passwordVersion }) {
      await query(pool, 'update sessions set password_version = $3 where id = $1 and user_id = $2', [
        id,
        userId,
        passwordVersion,
      ]);
    },
    async sweep(at) {
      const text = `delete from sessions where id in
        (select id from sessions where expires_at <= $1 order by expires_at limit $2 for update skip locked) returning id`;
      return (await query(pool, text, [at, SWEEP_AT_ONCE])).length;
    },
  };
}

interface Row {
  readonly token_hash: Buffer;
  readonly previous_hash: Buffer | null;
  readonly exchanged_at: Date | null;
  readonly expires_at: Date;
}

/** The row's lock makes those who come at once come one after the other. */
async function exchangeIn(transaction: Queryable, exchange: Exchange): Promise<Exchanged> {
  const { sessionId, tokenHash, successorHash, at, expiresAt } = exchange;
  const token = bytes(tokenHash);
  const [session] = await query<Row>(
    transaction,
    'select token_hash, previous_hash, exchanged_at, expires_at from sessions where id = $1 and expires_at > $2 for update',
    [sessionId, at],
  );
  if (!session) return { outcome: 'unknown' };
  if (session.token_hash.equals(token)) {
    await rotate(transaction, exchange, session.expires_at);
    return { outcome: 'exchanged', expiresAt };
  }
  const wasJustExchanged = session.previous_hash?.equals(token) && at.getTime() - exchangedAt(session) <= GRACE_MS;
  if (wasJustExchanged) {
    // Another successor: the key has changed in between, and what was answered then is not to be had any more.
    if (!session.token_hash.equals(bytes(successorHash))) return { outcome: 'unknown' };
    return { outcome: 'repeated', expiresAt: session.expires_at };
  }
  const ended = await query(
    transaction,
    `delete from sessions where id = $1 and exists
       (select from used_tokens where session_id = $1 and token_hash = $2 and expires_at > $3) returning id`,
    [sessionId, token, at],
  );
  return { outcome: ended.length > 0 ? 'reused' : 'unknown' };
}

async function rotate(transaction: Queryable, exchange: Exchange, tokenExpiresAt: Date): Promise<void> {
  const { sessionId, tokenHash, successorHash, at, expiresAt } = exchange;
  await query(
    transaction,
    'update sessions set token_hash = $2, previous_hash = $3, exchanged_at = $4, expires_at = $5 where id = $1',
    [sessionId, bytes(successorHash), bytes(tokenHash), at, expiresAt],
  );
  await query(
    transaction,
    `with expired as (delete from used_tokens where session_id = $1 and expires_at <= $4)
     insert into used_tokens (session_id, token_hash, expires_at) values ($1, $2, $3)`,
    [sessionId, bytes(tokenHash), tokenExpiresAt, at],
  );
}

function exchangedAt({ exchanged_at }: Row): number {
  return exchanged_at?.getTime() ?? 0;
}

function bytes(hash: string): Buffer {
  return Buffer.from(hash, 'hex');
}
