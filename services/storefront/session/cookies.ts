/** Tokens as the gateway answers them. Lifetimes are in seconds. */
export interface Tokens {
  accessToken: string;
  expiresIn: number;
  refreshToken: string;
  refreshExpiresIn: number;
}

/** What the cookies of a request say. */
export interface Session {
  accessToken?: string | undefined;
  refreshToken?: string | undefined;
  /** How the visitor is called. Only to be shown: it proves nothing. */
  name?: string | undefined;
}

const ACCESS = 'shop_access';
const REFRESH = 'shop_refresh';
export const NAME = 'shop_name';

/** The tokens go nowhere but to the storefront's own backend: pages, and a gateway behind the same host, never get them. */
const BACKEND = '/backend';
/** A token that ends on its way to the gateway would be refused there. */
const EARLY_SECONDS = 15;

export function readSession(headers: Headers): Session {
  const cookies = new Map<string, string>();
  for (const part of headers.get('cookie')?.split(';') ?? []) {
    const at = part.indexOf('=');
    if (at > 0) cookies.set(part.slice(0, at).trim(), part.slice(at + 1).trim());
  }
  return { accessToken: cookies.get(ACCESS), refreshToken: cookies.get(REFRESH), name: decoded(cookies.get(NAME)) };
}

/** Cookies (values of Set-Cookie) that begin a session or go on with it. Scripts cannot read them. */
export function tokenCookies(tokens: Tokens, secure: boolean): string[] {
  const accessSeconds = Math.max(1, tokens.expiresIn - EARLY_SECONDS);
  return [
    cookie(ACCESS, tokens.accessToken, { path: BACKEND, seconds: accessSeconds, sameSite: 'Strict', secure }),
    cookie(REFRESH, tokens.refreshToken, { path: BACKEND, seconds: tokens.refreshExpiresIn, sameSite: 'Strict', secure }), // prettier-ignore
  ];
}

/** Pages greet by it, so it comes along also when a link of another site leads here. */
export function nameCookie(name: string, seconds: number, secure: boolean): string {
  return cookie(NAME, encodeURIComponent(name), { path: '/', seconds, sameSite: 'Lax', secure });
}

export function endingCookies(secure: boolean): string[] {
  return [
    cookie(ACCESS, '', { path: BACKEND, seconds: 0, sameSite: 'Strict', secure }),
    cookie(REFRESH, '', { path: BACKEND, seconds: 0, sameSite: 'Strict', secure }),
    cookie(NAME, '', { path: '/', seconds: 0, sameSite: 'Lax', secure }),
  ];
}

interface CookieOptions {
  path: string;
  seconds: number;
  sameSite: 'Strict' | 'Lax';
  secure: boolean;
}

function cookie(name: string, value: string, { path, seconds, sameSite, secure }: CookieOptions): string {
  return `${name}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=${sameSite}${secure ? '; Secure' : ''}`;
}

function decoded(value: string | undefined): string | undefined {
  try {
    return value && decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
