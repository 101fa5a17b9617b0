/** Keeps secrets out of what is told of a workload: programs print what they were given. */
import type { ReferencedData } from '../resources/environment.ts';
import { createSecrets, isTelling, passwordOf } from '../jobs/secrets.ts';
import type { Pod, Secret } from '../runtime/index.ts';

const ASSIGNED =
  /((?:password|passwd|pwd|secret|token|api[-_]?key|authorization)["']?\s*[:=]\s*["']?(?:bearer\s+|basic\s+)?)[^\s"',;&]+/gi;
const JSON_WEB_TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;
/** Keys of our Secrets that are no secret. */
const PUBLIC_KEYS = new Set(['username', 'database', 'host', 'port']);

export interface Known {
  /** The operator's own Secrets in the namespace. */
  secrets: readonly Secret[];
  /** The user's own that the environment of services refers to. */
  referenced: ReferencedData;
  /** The one that speaks: its own variables may differ from those of its workload now. */
  pod?: Pod | undefined;
}

/**
 * Masks what is known to be secret, and what looks like it: values of Secrets and of variables with a telling name, the passwords in
 * URIs wherever they are, and what is assigned to a password.
 */
export function maskOf({ secrets, referenced, pod }: Known): (text: string) => string {
  const hidden = createSecrets();
  const hide = (value: string) => hidden.add(value, passwordOf(value));
  for (const { data = {} } of secrets) {
    for (const [key, value] of Object.entries(data)) if (!PUBLIC_KEYS.has(key)) hide(decoded(value));
  }
  for (const [id, data] of Object.entries(referenced)) {
    if (id.startsWith('Secret/')) Object.values(data).forEach((value) => hide(decoded(value)));
  }
  for (const { name, value = '' } of pod?.spec?.containers.flatMap(({ env = [] }) => env) ?? [])
    hidden.add(isTelling(name) ? value : undefined, passwordOf(value));
  return (text) => hidden.mask(text).replace(ASSIGNED, '$1***').replace(JSON_WEB_TOKEN, '***');
}

const decoded = (value: string) => Buffer.from(value, 'base64').toString().trim();
