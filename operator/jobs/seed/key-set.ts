import { hash } from 'node:crypto';

export const DIGEST_BYTES = 16;

/** The keys of a dataset, by 128 bits of their SHA-256: 24 to 32 bytes a row, however long they are. */
export interface KeySet {
  /** Adds the key of the next row. When it is there already: the number, from 1 on, of the row that has it. */
  add(key: string): number | undefined;
  has(key: string): boolean;
}

/** @param capacity how many keys there will be at most */
export function createKeySet(capacity: number): KeySet {
  const digests = Buffer.alloc(capacity * DIGEST_BYTES);
  // A power of two at most half full: a search ends after a step or two.
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, capacity * 2))));
  let size = 0;
  /** The slot that holds the digest, or the free one where it belongs. */
  const slotOf = (digest: Buffer): number => {
    for (let slot = digest.readUInt32LE() % slots.length; ; slot = (slot + 1) % slots.length) {
      const row = slots[slot]!;
      const at = (row - 1) * DIGEST_BYTES;
      if (row === 0 || digest.equals(digests.subarray(at, at + DIGEST_BYTES))) return slot;
    }
  };
  return {
    add: (key) => {
      const digest = digestOf(key);
      const slot = slotOf(digest);
      if (slots[slot] !== 0) return slots[slot];
      digest.copy(digests, size * DIGEST_BYTES);
      slots[slot] = ++size;
      return undefined;
    },
    has: (key) => slots[slotOf(digestOf(key))] !== 0,
  };
}

/** 16 bytes that stand for content of any length. */
export const digestOf = (content: string | Uint8Array): Buffer =>
  hash('sha256', content, 'buffer').subarray(0, DIGEST_BYTES);
