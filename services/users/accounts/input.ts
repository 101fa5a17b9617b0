import { badInput } from '@orderplane/shared/errors.ts';

const MAX_EMAIL_BYTES = 254;
const MAX_NAME = 100;
/** Of what is looked at, in UTF-16. */
const MAX_LENGTH = 1024;
const PASSWORD = { least: 8, most: 128, mostBytes: 1024 };

// One @, a local part, and a domain with a dot; no spaces, nothing that cannot be seen. Whether it exists, only a mail could tell.
const EMAIL =
  /^(?<local>[^\s@\p{C}\p{Z}]{1,64})@(?:[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?\.)+[\p{L}\p{M}\p{N}-]{2,63}$/u;
// Control characters (Postgres takes no NUL in a text) and what breaks a line.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/** The address as it is stored and compared. Throws BAD_USER_INPUT that says what an address is. */
export function parseEmail(email: string): string {
  const normal = normalised(email).toLowerCase().normalize('NFC');
  if (!EMAIL.test(normal) || Buffer.byteLength(normal) > MAX_EMAIL_BYTES) {
    throw badInput('email', `email must be an address such as ann@example.com, of at most ${MAX_EMAIL_BYTES} bytes.`);
  }
  return normal;
}

/**
 * The address of somebody who logs in. What is none has no account, and is not told apart from that.
 */
export function soughtEmail(email: string): string | undefined {
  try {
    return parseEmail(email);
  } catch {
    return undefined;
  }
}

export function parseName(name: string): string {
  const normal = normalised(name);
  if (normal === '' || length(normal) > MAX_NAME || UNPRINTABLE.test(normal)) {
    throw badInput('name', `name must have 1 to ${MAX_NAME} characters, all of them printable.`);
  }
  return normal;
}

/** A password to be set, in the form in which it is hashed. `field` is what the input calls it. */
export function parseNewPassword(password: string, field = 'password'): string {
  const normal = parsePassword(password);
  if (normal === undefined || length(normal) < PASSWORD.least) {
    throw badInput(field, `${field} must have ${PASSWORD.least} to ${PASSWORD.most} characters.`);
  }
  return normal;
}

/** A password to be checked, in the form in which it was hashed: as keyboards differ in how they compose characters, NFKC. */
export function parsePassword(password: string): string | undefined {
  if (password.length > PASSWORD.mostBytes || Buffer.byteLength(password) > PASSWORD.mostBytes) return undefined;
  const normal = password.normalize('NFKC');
  return length(normal) > PASSWORD.most ? undefined : normal;
}

/** Trimmed and in NFC; nothing is left of what is far too long to be looked at. */
function normalised(text: string): string {
  return text.length > MAX_LENGTH ? '' : text.trim().normalize('NFC');
}

/** In characters as people count them, nearly: Unicode's code points. */
function length(text: string): number {
  return Array.from(text).length;
}
