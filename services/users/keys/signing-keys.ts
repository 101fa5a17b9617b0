import { inTransaction, type Pool, query, type Queryable } from '@orderplane/shared/postgres.ts';
import { type Logger, troubleLog } from '@orderplane/shared/log.ts';
import { isUnavailable } from '@orderplane/shared/errors.ts';
import { pause } from '@orderplane/shared/backoff.ts';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { ACCESS_TOKEN } from '@orderplane/contracts/access-token.ts';
import { randomUUIDv7 } from 'node:crypto';
import { type KeyFacts, planKeys, signingKey } from './plan.ts';
import type { Secret } from './secret.ts';

export interface SigningKeys {
  /** What to sign with now. Throws SERVICE_UNAVAILABLE when keys were never read and cannot be. */
  current(): Promise<{ id: string; key: CryptoKey }>;
  /** All that tokens may be signed with now, as a JWK Set. */
  published(): Promise<{ keys: JWK[] }>;
  stop(): Promise<void>;
}

export interface SigningKeysOptions {
  readonly pool: Pool;
  readonly secret: Secret;
  readonly rotationMs: number;
  readonly tokenTtlMs: number;
  readonly now: () => Date;
  readonly log: Logger;
}

interface StoredKey extends KeyFacts {
  readonly publicKey: JWK;
  readonly sealed: Buffer;
}

/** Much shorter than a key is published ahead of its use. */
const LOOK_EVERY_MS = 60_000;
const ALGORITHM = ACCESS_TOKEN.algorithm;

/**
 * The keys that access tokens are signed with, in a table that all instances share: whoever finds that one is missing makes it, one
 * at a time. What was read last is gone on with while Postgres is away.
 */
export function openSigningKeys(options: SigningKeysOptions): SigningKeys {
  const { pool, secret, now, log } = options;
  const opened = new Map<string, Promise<CryptoKey>>();
  let known: readonly StoredKey[] = [];
  const look = async () => void (known = await bringUpToDate(options));
  const ended = new AbortController();
  const watching = watch(look, log, ended.signal);

  const open = (key: StoredKey) => {
    const opening = opened.get(key.id) ?? openKey(key, secret);
    opened.set(key.id, opening);
    return opening;
  };
  return {
    async current() {
      const find = () => signingKey(known, secret.fingerprint, now());
      if (!find()) await look();
      const key = find();
      if (!key) throw new Error('there is no signing key, although one was just made');
      return { id: key.id, key: await open(key) };
    },
    async published() {
      await look().catch((error: unknown) => {
        if (!isUnavailable(error) || known.length === 0) throw error;
      });
      return { keys: known.map(({ publicKey }) => publicKey) };
    },
    async stop() {
      ended.abort();
      await watching;
    },
  };

  async function bringUpToDate(rules: SigningKeysOptions): Promise<StoredKey[]> {
    const found = await readKeys(pool);
    if (!isWanting(planFor(found, rules))) return found;
    return inTransaction(pool, async (transaction) => {
      await query(transaction, `select pg_advisory_xact_lock(hashtextextended('orderplane signing keys', 0))`);
      // Another instance may have been here meanwhile.
      const plan = planFor(await readKeys(transaction), rules);
      for (const activeFrom of plan.create) await storeKey(transaction, await newKey(activeFrom, secret));
      await query(transaction, 'delete from signing_keys where id = any($1)', [plan.remove]);
      if (isWanting(plan)) log.info({ created: plan.create, removed: plan.remove }, 'signing keys rotated');
      return readKeys(transaction);
    });
  }
}

async function watch(look: () => Promise<void>, log: Logger, signal: AbortSignal): Promise<void> {
  const { trouble, fine } = troubleLog(log, 'signing keys');
  while (!signal.aborted) {
    await look().then(fine, trouble);
    await pause(LOOK_EVERY_MS, signal);
  }
}

function planFor(keys: readonly StoredKey[], { secret, rotationMs, tokenTtlMs, now }: SigningKeysOptions) {
  return planKeys(keys, { sealedBy: secret.fingerprint, rotationMs, tokenTtlMs, now: now() });
}

function isWanting({ create, remove }: ReturnType<typeof planKeys>): boolean {
  return create.length > 0 || remove.length > 0;
}

async function newKey(activeFrom: Date, secret: Secret): Promise<StoredKey> {
  const id = randomUUIDv7();
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return {
    id,
    activeFrom,
    sealedBy: secret.fingerprint,
    publicKey: { ...(await exportJWK(publicKey)), kid: id, alg: ALGORITHM, use: 'sig' },
    sealed: secret.seal(Buffer.from(JSON.stringify(await exportJWK(privateKey))), id),
  };
}

async function openKey({ id, sealed }: StoredKey, secret: Secret): Promise<CryptoKey> {
  try {
    const jwk = JSON.parse(secret.unseal(sealed, id).toString()) as JWK;
    return (await importJWK(jwk, ALGORITHM)) as CryptoKey;
  } catch (cause) {
    const message = `signing key ${id} cannot be opened, although its secret is this one: delete its row, a new one is made`;
    throw new Error(message, { cause });
  }
}

interface Row {
  readonly id: string;
  readonly active_from: Date;
  readonly public_key: JWK;
  readonly private_key: Buffer;
  readonly sealed_by: string;
}

async function readKeys(database: Queryable): Promise<StoredKey[]> {
  const text = 'select id, active_from, public_key, private_key, sealed_by from signing_keys order by active_from, id';
  return (await query<Row>(database, text)).map((row) => ({
    id: row.id,
    activeFrom: row.active_from,
    publicKey: row.public_key,
    sealed: row.private_key,
    sealedBy: row.sealed_by,
  }));
}

async function storeKey(database: Queryable, key: StoredKey): Promise<void> {
  await query(
    database,
    'insert into signing_keys (id, active_from, public_key, private_key, sealed_by) values ($1, $2, $3, $4, $5)',
    [key.id, key.activeFrom, key.publicKey, key.sealed, key.sealedBy],
  );
}
