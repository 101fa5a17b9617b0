import type { OrderPlatformSpec } from '../api/v1alpha1/index.ts';
import { catalogueEntry } from './catalogue.ts';
import { STORES } from './names.ts';
import { addressVariable, type Platform } from './platform.ts';
import { WORKLOAD_CHECKS } from './workload-checks.ts';

/** One thing that can be wrong with a platform that the API server could not see; the fault in words, with what to do. */
export type PlatformCheck = (platform: Platform, spec: OrderPlatformSpec) => string | undefined;

/** What is wrong with the platform as a whole. */
export const PLATFORM_CHECKS: readonly PlatformCheck[] = [
  versionUnknown,
  storeNotSet,
  brokerNotSet,
  neededServiceMissing,
  neededServiceWithoutPort,
  addressVariableTaken,
  secondNeedOfStore,
  portTaken,
  routeWithoutPort,
  routeTaken,
  nothingToExpose,
  approvalOfNothing,
  ...WORKLOAD_CHECKS,
];

function versionUnknown({ version, release, otherReleases }: Platform): string | undefined {
  if (version === release) return undefined;
  const known = [release, ...otherReleases.filter((other) => other !== release)].join(', ');
  return `spec.version ${version} is not in this operator's catalogue, which has ${known}: use one that it has, add it to the operator's images file, or use another operator`;
}

function approvalOfNothing({ services, migrations: { approvals = [] } }: Platform): string | undefined {
  const migrating = services.filter(({ migrations }) => migrations).map(({ name }) => name);
  const stray = approvals.find(({ service }) => !migrating.includes(service));
  if (!stray) return undefined;
  return `spec.migrations.approvals names ${stray.service}, which is no service with migrations of the release: drop it${migrating.length > 0 ? `, or name ${migrating.join(' or ')}` : ''}`;
}

function storeNotSet({ services, stores }: Platform): string | undefined {
  for (const { name, needs } of services) {
    for (const store of STORES) {
      if (needs[store] && !stores[store]) {
        return `service ${name} needs ${store}, but spec.stores.${store} is not set: add it or drop the need`;
      }
    }
  }
  return undefined;
}

function brokerNotSet({ services, broker }: Platform): string | undefined {
  const service = services.find(({ needs }) => needs.broker);
  if (!service || broker) return undefined;
  return `service ${service.name} needs a broker, but spec.broker.nats is not set: add it or drop the need`;
}

function neededServiceMissing({ services }: Platform): string | undefined {
  const names = new Set(services.map(({ name }) => name));
  for (const { name, needs } of services) {
    const missing = needs.services.find((needed) => !names.has(needed));
    if (missing)
      return `service ${name} needs service ${missing}, but spec.services has no ${missing}: add it or drop the need`;
  }
  return undefined;
}

function neededServiceWithoutPort({ services }: Platform): string | undefined {
  for (const { name, needs } of services) {
    const silent = services.find((other) => needs.services.includes(other.name) && other.port === undefined);
    if (silent) return `service ${name} needs service ${silent.name}, which has no port: give it one`;
  }
  return undefined;
}

function addressVariableTaken({ services }: Platform): string | undefined {
  for (const { name, needs, env } of services) {
    const taken = needs.services.find((needed) => env.some((variable) => variable.name === addressVariable(needed)));
    if (taken)
      return `service ${name} sets ${addressVariable(taken)}, which its need of service ${taken} sets already: remove one of them`;
  }
  return undefined;
}

/** A service of the release brings its own need of a store, so that the API server cannot count them. */
function secondNeedOfStore(_: Platform, spec: OrderPlatformSpec): string | undefined {
  for (const { name, needs = [] } of spec.services) {
    const own = catalogueEntry(name)?.needs ?? [];
    const store = STORES.find((kind) => own.some((need) => need[kind]) && needs.some((need) => need[kind]));
    if (store)
      return `service ${name} of the release has a need of ${store} already, and there is one variable for its URI: drop yours`;
  }
  return undefined;
}

function portTaken({ services }: Platform): string | undefined {
  const service = services.find(({ port, managementPort }) => port !== undefined && port === managementPort);
  return (
    service && `service ${service.name} cannot listen on ${service.port}, which is its management port: choose another`
  );
}

function routeWithoutPort({ services }: Platform): string | undefined {
  const service = services.find(({ routes, port }) => routes.length > 0 && port === undefined);
  return service && `service ${service.name} has routes, but no port that they lead to: give it one, or drop them`;
}

function routeTaken({ services }: Platform): string | undefined {
  const owners = new Map<string, string>();
  for (const { name, routes } of services) {
    for (const route of routes) {
      const owner = owners.get(route);
      if (owner) return `services ${owner} and ${name} both have the route ${route}: set other routes for one of them`;
      owners.set(route, name);
    }
  }
  return undefined;
}

function nothingToExpose({ services, ingress }: Platform): string | undefined {
  if (!ingress || services.some(({ routes }) => routes.length > 0)) return undefined;
  return 'spec.exposure is set, but no service has routes: add gateway or storefront, or give a service routes';
}
