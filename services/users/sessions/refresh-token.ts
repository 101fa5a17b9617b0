import { createHash, createHmac, randomBytes } from 'node:crypto';

/** A refresh token: 48 bytes, which are the id of its login and 256 secret bits. Only its hash is ever stored. */
export interface RefreshToken {
  readonly text: string;
  readonly sessionId: string;
  /** SHA-256, in hexadecimal digits. */
  readonly hash: string;
}

const ID_BYTES = 16;
const SECRET_BYTES = 32;
const TEXT = /^[A-Za-z0-9_-]{64}$/;

/** The first token of a new login. */
export function firstToken(): RefreshToken {
  return fromBytes(randomBytes(ID_BYTES + SECRET_BYTES));
}

/**
 * The token that this one is exchanged for. It follows from the token and a key of the service, so that the same answer can be given
 * once more to a client that lost it, although the answer is stored nowhere; without the key nobody gets from one to the next.
 */
export function successorOf(token: RefreshToken, key: Uint8Array): RefreshToken {
  const bytes = Buffer.from(token.text, 'base64url');
  return fromBytes(Buffer.concat([bytes.subarray(0, ID_BYTES), createHmac('sha256', key).update(bytes).digest()]));
}

/** Undefined for what cannot be a token. */
export function parseToken(text: string): RefreshToken | undefined {
  return TEXT.test(text) ? fromBytes(Buffer.from(text, 'base64url')) : undefined;
}

function fromBytes(bytes: Buffer): RefreshToken {
  const id = bytes.subarray(0, ID_BYTES).toString('hex');
  return {
    text: bytes.toString('base64url'),
    sessionId: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    hash: createHash('sha256').update(bytes).digest('hex'),
  };
}
