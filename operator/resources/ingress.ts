import type { Ingress } from '../runtime/known-resources.ts';
import { ownedMetadata } from './labels.ts';
import { componentName } from './names.ts';
import type { Platform } from './platform.ts';

/** The Secret with the certificate: the user's own, or the one that cert-manager is to make; undefined without TLS. */
export function certificateSecretName({ name, ingress }: Platform): string | undefined {
  if (!ingress?.tls) return undefined;
  return ingress.tls.secretName ?? componentName(name, 'tls');
}

/** Where the platform is reached from outside; undefined where it is not. */
export function urlOf({ ingress }: Platform): string | undefined {
  return ingress && `${ingress.tls ? 'https' : 'http'}://${ingress.host}`;
}

/** One host for all services that have routes; undefined where the platform is not exposed. Longer paths win, in every controller. */
export function platformIngress(platform: Platform): Ingress | undefined {
  const { ingress, services } = platform;
  if (!ingress) return undefined;
  const { host, className, tls, requestsPerMinute } = ingress;
  const secretName = certificateSecretName(platform);
  const metadata = ownedMetadata(platform, componentName(platform.name, 'ingress'), 'ingress', 'edge');
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      ...metadata,
      annotations: {
        ...(tls?.clusterIssuer && { 'cert-manager.io/cluster-issuer': tls.clusterIssuer }),
        ...(requestsPerMinute && { 'nginx.ingress.kubernetes.io/limit-rpm': String(requestsPerMinute) }),
      },
    },
    spec: {
      ...(className && { ingressClassName: className }),
      ...(secretName && { tls: [{ hosts: [host], secretName }] }),
      rules: [
        {
          host,
          http: {
            paths: services.flatMap(({ name, routes, portName }) =>
              routes.map((path) => ({
                path,
                pathType: 'Prefix',
                backend: { service: { name: componentName(platform.name, name), port: { name: portName } } },
              })),
            ),
          },
        },
      ],
    },
  };
}
