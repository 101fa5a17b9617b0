export interface KeyFacts {
  readonly id: string;
  /** From then on until its successor's, tokens are signed with it. */
  readonly activeFrom: Date;
  /** The fingerprint of the secret that opens it. */
  readonly sealedBy: string;
}

export interface KeyRules {
  readonly sealedBy: string;
  readonly rotationMs: number;
  readonly tokenTtlMs: number;
  readonly now: Date;
}

export interface KeyPlan {
  /** When the keys that are to be made become active. */
  readonly create: readonly Date[];
  /** Ids of keys of which no token can be valid any more. */
  readonly remove: readonly string[];
}

/** A new key is known to those who check tokens for at least this long before one is signed with it. */
export const PUBLISHED_AHEAD_MS = 10 * 60_000;
/** By how much clocks may differ. */
const SKEW_MS = 5 * 60_000;

/**
 * What has to be made and removed so that there is a key to sign with, and its successor is published already. Keys of another secret
 * belong to instances that have that one, before or after it was changed: each keeps its own going, and all are published.
 */
export function planKeys(keys: readonly KeyFacts[], rules: KeyRules): KeyPlan {
  const { sealedBy, now } = rules;
  return {
    create: missing(byTime(keys, sealedBy), rules),
    remove: [...new Set(keys.map((key) => key.sealedBy))].flatMap((secret) => {
      const series = byTime(keys, secret);
      return series.filter((key, index) => isOver(key, series[index + 1], rules)).map(({ id }) => id);
    }),
  };

  function isOver(key: KeyFacts, successor: KeyFacts | undefined, { tokenTtlMs }: KeyRules): boolean {
    // Nobody goes on with a series of another secret whose last key is active: whoever does makes the next one in advance.
    const last = successor ?? (key.sealedBy === sealedBy ? undefined : key);
    return last !== undefined && last.activeFrom.getTime() + tokenTtlMs + SKEW_MS < now.getTime();
  }
}

/** The key that tokens are signed with: the newest active one. A clock that is behind may see the first one as not active yet. */
export function signingKey<Key extends KeyFacts>(keys: readonly Key[], sealedBy: string, now: Date): Key | undefined {
  const mine = byTime(keys, sealedBy);
  return mine.findLast(({ activeFrom }) => activeFrom <= now) ?? mine[0];
}

function missing(mine: readonly KeyFacts[], { rotationMs, now }: KeyRules): Date[] {
  const last = mine.at(-1);
  if (!last) return [now, new Date(now.getTime() + rotationMs)];
  if (last.activeFrom > now) return [];
  return [new Date(Math.max(last.activeFrom.getTime() + rotationMs, now.getTime() + PUBLISHED_AHEAD_MS))];
}

function byTime<Key extends KeyFacts>(keys: readonly Key[], sealedBy: string): Key[] {
  return keys
    .filter((key) => key.sealedBy === sealedBy)
    .toSorted((a, b) => a.activeFrom.getTime() - b.activeFrom.getTime());
}
