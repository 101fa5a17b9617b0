/** Keeps passwords out of whatever leaves a Job: results, logs, errors of drivers that quote a URI. */
export interface Secrets {
  /** Adds values that must never be shown, such as passwords read from files. */
  add(...values: (string | undefined)[]): void;
  mask(text: string): string;
}

const MASK = '***';
/** Shorter values would mask ordinary words; as part of a URI they are masked all the same. */
const MIN_LENGTH = 6;
/** The user info of any URI: `scheme://user:password@`. */
const URI_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:@/"']*:)[^\s@"']+@/gi;

export function createSecrets(): Secrets {
  const values = new Set<string>();
  return {
    add: (...added) => {
      for (const value of added) {
        if (!value || value.length < MIN_LENGTH) continue;
        // JSON escapes quotes and backslashes, and a password may be quoted in a log line in that form too.
        for (const form of [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)]) values.add(form);
      }
    },
    mask: (text) => {
      let masked = text.replace(URI_PASSWORD, `$1${MASK}@`);
      for (const value of [...values].sort((a, b) => b.length - a.length)) masked = masked.replaceAll(value, MASK);
      return masked;
    },
  };
}

/** The password in a connection URI, decoded. */
export function passwordOf(uri: string): string | undefined {
  try {
    return decodeURIComponent(new URL(uri).password) || undefined;
  } catch {
    return undefined;
  }
}

const TELLING = /PASS|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY/i;

/** Whether a variable of that name holds something that nobody should read over one's shoulder. */
export function isTelling(variable: string): boolean {
  return TELLING.test(variable);
}
