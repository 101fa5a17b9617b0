/** The certificate authority of a server that is not ours, as a file that a connection URI names. */

/** The key of a Secret that holds it, beside `uri`. */
export const AUTHORITY_KEY = 'ca.crt';

/** Where the pods of a service have it, by backend. */
export function authorityFolder(backend: string): string {
  return `/etc/orderplane/ca/${backend}`;
}

export function authorityFile(backend: string): string {
  return `${authorityFolder(backend)}/${AUTHORITY_KEY}`;
}

/**
 * The URI with the option by which its driver trusts the authority in `file`, and no other. Postgres then verifies the server's name too, unless the
 * URI says otherwise; NATS and Redis have no such option, and their URIs stay.
 */
export function withAuthority(uri: string, file: string): string {
  const [address = '', query] = uri.split('?', 2);
  const options = new URLSearchParams(query);
  if (/^postgres(ql)?:/.test(uri)) {
    if (!options.has('sslmode')) options.set('sslmode', 'verify-full');
    options.set('sslrootcert', file);
  } else if (/^mongodb(\+srv)?:/.test(uri)) {
    options.set('tls', 'true');
    options.set('tlsCAFile', file);
  } else {
    return uri;
  }
  return `${address}?${options.toString().replaceAll('%2F', '/')}`;
}
