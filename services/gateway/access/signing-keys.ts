import { CodedError } from '@orderplane/shared/errors.ts';
import type { Logger } from '@orderplane/shared/log.ts';
import { importJWK, type JWK } from 'jose';
import * as z from 'zod';

type Key = Awaited<ReturnType<typeof importJWK>>;

/** Users says so when it rotates: a key is published well before it signs, and as long as its tokens live. */
const REFRESH_AFTER_MS = 60_000;
/** Tokens with made-up key ids must not become calls to users. */
const ASK_AT_MOST_EVERY_MS = 5_000;

const keySet = z.object({
  keys: z.array(z.looseObject({ kid: z.string(), kty: z.literal('EC'), crv: z.literal('P-256') })),
});

export interface SigningKeys {
  /** The key of that id; undefined when there is none. Throws SERVICE_UNAVAILABLE when that cannot be known. */
  find(kid: string): Promise<Key | undefined>;
}

export interface SigningKeysDeps {
  /** A JWK Set as JSON. */
  readonly fetchKeys: () => Promise<string>;
  readonly now: () => number;
  readonly log: Logger;
}

/** The keys that users signs with. The last ones that it told stay in force while it is away. */
export function signingKeys({ fetchKeys, now, log }: SigningKeysDeps): SigningKeys {
  let keys: ReadonlyMap<string, Key> | undefined;
  let fetchedAt = -Infinity;
  let askedAt = -Infinity;
  let failure: unknown;
  let asking: Promise<void> | undefined;

  const ask = async () => {
    askedAt = now();
    try {
      keys = await imported(await fetchKeys());
      fetchedAt = now();
      failure = undefined;
    } catch (error) {
      failure = error;
      log.warn({ err: error }, 'the keys of access tokens could not be fetched; those that are known stay in force');
    }
  };
  const refresh = (): Promise<void> => {
    if (asking) return asking;
    if (now() - askedAt < ASK_AT_MOST_EVERY_MS) return Promise.resolve();
    asking = ask().finally(() => (asking = undefined));
    return asking;
  };
  return {
    async find(kid) {
      if (now() - fetchedAt > REFRESH_AFTER_MS) {
        const refreshed = refresh();
        if (!keys) await refreshed;
      }
      if (!keys?.has(kid)) await refresh();
      const key = keys?.get(kid);
      if (!key && failure !== undefined) {
        throw new CodedError('SERVICE_UNAVAILABLE', { service: 'users', cause: failure });
      }
      return key;
    },
  };
}

async function imported(jwks: string): Promise<ReadonlyMap<string, Key>> {
  const { keys } = keySet.parse(JSON.parse(jwks));
  return new Map(await Promise.all(keys.map(async (jwk) => [jwk.kid, await importJWK(jwk as JWK, 'ES256')] as const)));
}
