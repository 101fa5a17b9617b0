import { describe, expect, test } from '@jest/globals';
import { identitySecret } from './secret.ts';

const secret = identitySecret('a secret of more than 32 characters');
const plain = Buffer.from('private');

describe('what is sealed', () => {
  test('is read again, also by another instance with the same secret', () => {
    const sealed = secret.seal(plain, 'k1');
    expect(sealed.includes(plain)).toBe(false);
    expect(identitySecret('a secret of more than 32 characters').unseal(sealed, 'k1')).toEqual(plain);
  });

  test.each<[string, (sealed: Buffer) => Buffer]>([
    ['with another secret', (sealed) => identitySecret('another one of more than 32 characters').unseal(sealed, 'k1')],
    ['under another name', (sealed) => secret.unseal(sealed, 'k2')],
    ['once it was changed', (sealed) => secret.unseal(sealed.fill(0, 12, 13), 'k1')],
    ['in part', (sealed) => secret.unseal(sealed.subarray(0, -1), 'k1')],
    ['when it is nothing', () => secret.unseal(Buffer.alloc(0), 'k1')],
  ])('is not read %s', (_sentence, unseal) => {
    expect(() => unseal(secret.seal(plain, 'k1'))).toThrow();
  });
});
