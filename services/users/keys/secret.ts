import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** What the service needs a secret for, each with a key of its own that follows from IDENTITY_SECRET. */
export interface Secret {
  /** Names the secret, without telling it. */
  readonly fingerprint: string;
  readonly refreshTokenKey: Uint8Array;
  /** Encrypts for storage; `name` is bound to it, so that one sealed text cannot be put in another's place. */
  seal(plain: Buffer, name: string): Buffer;
  /** Throws for what another secret sealed, under another name, or what was changed since. */
  unseal(sealed: Buffer, name: string): Buffer;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function identitySecret(text: string): Secret {
  const derive = (purpose: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', text, '', `orderplane/users/${purpose}`, bytes));
  const sealingKey = derive('signing-keys', 32);
  return {
    fingerprint: derive('fingerprint', 8).toString('hex'),
    refreshTokenKey: derive('refresh-tokens', 32),
    seal(plain, name) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce).setAAD(Buffer.from(name));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    unseal(sealed, name) {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', sealingKey, nonce, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(name))
        .setAuthTag(sealed.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    },
  };
}
