import { certificateSecretName, urlOf } from '../../../resources/ingress.ts';
import type { Platform } from '../../../resources/platform.ts';
import { FORBIDDEN, IngressClasses, Secrets, unlessForbidden, type Ingress } from '../../../runtime/index.ts';
import type { Deps } from '../../deps.ts';
import { ensure } from '../../ensure.ts';
import { holds, pending, waiting, type Fact } from '../../fact.ts';
import type { Scope } from '../scope.ts';

/** Classes and certificates are not the platform's, and not watched: they are looked at again after a while, sooner where one is missing. */
const POLL_MS = 60_000;
const MISSING_POLL_MS = 5_000;

/** Applies the Ingress, and finds whether there is something to serve it, and with what certificate. */
export async function reconcileExposure(deps: Deps, scope: Scope): Promise<Fact> {
  const { platform, desired } = scope;
  if (!platform.ingress) return holds('NotRequested', 'spec.exposure is not set');
  if (!desired?.ingress) return pending('waits for credentials');
  const live = await ensure(deps, deps.caches.ingresses, platform, desired.ingress, scope);
  const ofClass = await classFault(deps, scope, live);
  const fault = (ofClass === FORBIDDEN ? undefined : ofClass) ?? (await certificateFault(deps, scope));
  const unknown =
    ofClass === FORBIDDEN
      ? `, if the cluster has IngressClass ${live.spec?.ingressClassName}: the operator has no right to look (get ingressclasses)`
      : '';
  return fault ?? holds('Exposed', `served at ${urlOf(platform)}${unknown}`, POLL_MS);
}

/** The API server writes the default class into an Ingress that names none. */
async function classFault(
  { client }: Deps,
  { signal }: Scope,
  { spec, metadata }: Ingress,
): Promise<Fact | undefined | typeof FORBIDDEN> {
  const name = spec?.ingressClassName;
  if (!name) {
    return missing(
      'IngressClassMissing',
      `no controller serves Ingress ${metadata.name}: the cluster has no default IngressClass, so set spec.exposure.ingress.className to one of \`kubectl get ingressclasses\``,
    );
  }
  const found = await unlessForbidden(client.get(IngressClasses, { namespace: '', name }, { signal }));
  if (found === FORBIDDEN) return FORBIDDEN;
  if (found) return undefined;
  return missing(
    'IngressClassMissing',
    `IngressClass ${name} does not exist: install its controller, or set spec.exposure.ingress.className to one of \`kubectl get ingressclasses\``,
  );
}

async function certificateFault({ client }: Deps, { platform, signal }: Scope): Promise<Fact | undefined> {
  const name = certificateSecretName(platform);
  if (!name) return undefined;
  const secret = await client.get(Secrets, { namespace: platform.namespace, name }, { signal });
  const keys = ['tls.crt', 'tls.key'].filter((key) => !secret?.data?.[key]);
  if (secret && keys.length === 0) return undefined;
  return missing('CertificateMissing', missingCertificate(platform, name, secret ? keys : undefined));
}

function missingCertificate({ ingress }: Platform, name: string, keys: string[] | undefined): string {
  const fault = keys ? `Secret ${name} has no ${keys.join(' and no ')}` : `Secret ${name} does not exist`;
  const issuer = ingress?.tls?.clusterIssuer;
  return issuer
    ? `${fault}: cert-manager makes it from ClusterIssuer ${issuer}, see \`kubectl describe certificate ${name}\``
    : `${fault}: create it by \`kubectl create secret tls ${name} --cert=… --key=…\``;
}

function missing(reason: string, message: string): Fact {
  return waiting(reason, message, MISSING_POLL_MS);
}
