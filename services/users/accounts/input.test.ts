import { describe, expect, test } from '@jest/globals';
import { parseEmail, parseName, parseNewPassword, parsePassword, soughtEmail } from './input.ts';

const refusal = (field: string) => expect.objectContaining({ code: 'BAD_USER_INPUT', field });

describe('an address', () => {
  test.each([
    ['ann@example.com', 'ann@example.com'],
    ['  Ann.O+tag@Example.COM\n', 'ann.o+tag@example.com'],
    ['u\u0308ber@mu\u0308ller.example', '\u00fcber@m\u00fcller.example'],
    ['ann@sub.example-shop.co.uk', 'ann@sub.example-shop.co.uk'],
  ])('%j is kept as %j', (given, kept) => {
    expect(parseEmail(given)).toBe(kept);
    expect(parseEmail(kept)).toBe(kept);
  });

  test.each([
    ['is empty', ''],
    ['has no @', 'ann.example.com'],
    ['has two', 'ann@bob@example.com'],
    ['has no domain', 'ann@'],
    ['has a domain without a dot', 'ann@localhost'],
    ['has an empty label', 'ann@example..com'],
    ['has a space within', 'an n@example.com'],
    ['has a NUL', 'an\0n@example.com'],
    ['has what cannot be seen', 'an\u200bn@example.com'],
    ['has a local part of 65 characters', `${'a'.repeat(65)}@example.com`],
    ['is of 255 bytes', `a@${'b.'.repeat(125)}com`],
    ['is huge', `ann@example.com${' '.repeat(1_000_000)}bob`],
  ])('is refused when it %s', (_sentence, email) => {
    expect(() => parseEmail(email)).toThrow(refusal('email'));
    expect(soughtEmail(email)).toBeUndefined();
  });
});

describe('a name', () => {
  test.each([
    [' Ann ', 'Ann'],
    ['Zoe\u0308', 'Zo\u00eb'],
    ["Siobh\u00e1n O'Brien-\u5c71\u7530", "Siobh\u00e1n O'Brien-\u5c71\u7530"],
  ])('%j is kept as %j', (given, kept) => {
    expect(parseName(given)).toBe(kept);
  });

  test('may have 100 characters, whatever they take in UTF-16', () => {
    expect(parseName('\u{1F600}'.repeat(100))).toBe('\u{1F600}'.repeat(100));
  });

  test.each([
    ['is empty', ''],
    ['is nothing but spaces', '   '],
    ['has 101 characters', 'a'.repeat(101)],
    ['has a NUL', 'a\0b'],
    ['breaks the line', 'a\nb'],
  ])('is refused when it %s', (_sentence, name) => {
    expect(() => parseName(name)).toThrow(refusal('name'));
  });
});

describe('a password', () => {
  test.each([
    ['has 8 characters', 'a'.repeat(8)],
    ['has 128 of four bytes each', '\u{1F600}'.repeat(128)],
    ['begins and ends with a space', ' secret sauce '],
  ])('is taken as it is when it %s', (_sentence, password) => {
    expect(parseNewPassword(password)).toBe(password);
    expect(parsePassword(password)).toBe(password);
  });

  test('is the same however its characters are composed', () => {
    expect(parsePassword('pa\u0308ssword')).toBe(parsePassword('p\u00e4ssword'));
  });

  test.each([
    ['has 7 characters', 'a'.repeat(7)],
    ['has 4 that count as 8 in UTF-16', '\u{1F600}'.repeat(4)],
    ['has 129 characters', 'a'.repeat(129)],
    ['is huge', 'a'.repeat(1_000_000)],
    // One character that becomes eighteen.
    ['is over 128 once it is composed', '\ufdfa'.repeat(128)],
  ])('is refused when it %s, by the name of the field', (_sentence, password) => {
    expect(() => parseNewPassword(password, 'newPassword')).toThrow(refusal('newPassword'));
  });
});
