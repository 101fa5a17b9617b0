import type { EnvironmentSpec, Need, OrderPlatformSpec, ServiceSpec } from '../api/v1alpha1/index.ts';
import { autoscalingOf, replicasOf } from './autoscaling.ts';
import { catalogueEntry, sagaStepsOf, type CatalogueEntry, type PlatformFacts } from './catalogue.ts';
import { PLATFORM_CHECKS } from './checks.ts';
import { connectionsOf } from './connections.ts';
import { fromRegistry, type Images } from './images.ts';
import type { PlatformIdentity } from './labels.ts';
import { BACKENDS, componentName } from './names.ts';
import type { Identity, Platform, Schedule, Service, ServiceNeeds } from './platform.ts';
import { RELEASE } from './release-images.ts';

export type Resolution = { platform: Platform; violations?: never } | { platform?: never; violations: string[] };

/**
 * What a spec amounts to with this operator's catalogue, or everything that is wrong with it, in words.
 * @param release that the images are of, and what else the catalogue has
 */
export function resolvePlatform(
  identity: Omit<PlatformIdentity, 'version'>,
  spec: OrderPlatformSpec,
  releaseImages: Images,
  release: { version: string; others?: readonly string[] } = { version: RELEASE },
): Resolution {
  const images = fromRegistry(releaseImages, spec.images?.registry);
  const facts = { name: identity.name, sagaSteps: sagaStepsOf(spec.services), identity: identityOf(spec) };
  const platform: Platform = {
    ...identity,
    version: spec.version ?? release.version,
    release: release.version,
    otherReleases: release.others ?? [],
    profile: spec.profile,
    progressDeadlineSeconds: spec.progressDeadlineSeconds,
    images,
    pullSecrets: (spec.images?.pullSecrets ?? []).map(({ name }) => name),
    stores: spec.stores ?? {},
    broker: spec.broker?.nats,
    identity: facts.identity,
    migrations: spec.migrations ?? {},
    volumes: spec.volumes ?? [],
    services: spec.services.map((service) => resolveService(facts, service, spec, images)),
    leaving: [],
    ingress: spec.exposure?.ingress,
    isRestricted: spec.networkPolicy?.enabled ?? true,
    metrics: spec.observability?.metrics,
    tracing: spec.observability?.tracing,
  };
  const violations = PLATFORM_CHECKS.map((check) => check(platform, spec)).filter(
    (violation) => violation !== undefined,
  );
  return violations.length > 0 ? { violations } : { platform };
}

const DEFAULT_TOKENS = { accessTokenTTL: '15m', refreshTokenTTL: '168h' };

function identityOf({ profile, identity }: OrderPlatformSpec): Identity {
  return { ...(identity?.builtIn ?? DEFAULT_TOKENS), anonymousOrders: identity?.anonymousOrders ?? profile === 'dev' };
}

function resolveService(
  facts: PlatformFacts,
  spec: ServiceSpec,
  platformSpec: OrderPlatformSpec,
  images: Images,
): Service {
  const { profile } = platformSpec;
  const entry = catalogueEntry(spec.name);
  const isOurImage = entry !== undefined && spec.image === undefined;
  const needs = resolveNeeds([...(entry?.needs ?? []), ...(spec.needs ?? [])], platformSpec);
  return {
    name: spec.name,
    image: spec.image ?? (entry ? images[entry.image] : ''),
    command: spec.command ?? entry?.command,
    args: spec.args,
    schedule: scheduleOf(spec),
    replicas: replicasOf(spec, profile),
    autoscaling: autoscalingOf(spec, profile),
    port: spec.port ?? entry?.port,
    portName: entry?.portName ?? 'main',
    isDefaultPort: entry !== undefined && (spec.port === undefined || spec.port === entry.port),
    managementPort: entry?.managementPort,
    probePaths: entry?.probes,
    probes: spec.probes ?? {},
    routes: spec.routes ?? entry?.routes ?? [],
    isOurImage,
    env: mergeEnv(facts, entry?.env ?? {}, spec.env ?? []),
    resources: spec.resources,
    needs,
    connections: connectionsOf(needs),
    requires: [
      ...(entry?.migrations ? [{ migration: componentName(facts.name, spec.name) }] : []),
      ...(entry?.requires ?? []),
      ...(spec.requires ?? []),
    ],
    migrations: entry?.migrations,
    checksVerification: entry?.checksVerification ?? false,
    keepsAccounts: entry?.keepsAccounts ?? false,
  };
}

function scheduleOf({ schedule, timeZone, concurrencyPolicy = 'Forbid' }: ServiceSpec): Schedule | undefined {
  return schedule === undefined ? undefined : { cron: schedule, timeZone, concurrencyPolicy };
}

function mergeEnv(
  facts: PlatformFacts,
  defaults: NonNullable<CatalogueEntry['env']>,
  own: EnvironmentSpec[],
): EnvironmentSpec[] {
  const merged = new Map<string, EnvironmentSpec>(
    Object.entries(defaults).map(([name, value]) => [
      name,
      { name, value: typeof value === 'string' ? value : value(facts) },
    ]),
  );
  for (const variable of own) merged.set(variable.name, variable);
  return [...merged.values()];
}

/** One need of a store (the checks see to that), the topics of all; without what is optional and not there. */
function resolveNeeds(all: readonly Need[], platform: OrderPlatformSpec): ServiceNeeds {
  const needs = all.filter((need) => !need.optional || isThere(need, platform));
  const brokers = needs.flatMap((need) => need.broker ?? []);
  const postgres = needs.find((need) => need.postgres)?.postgres;
  const mongo = needs.find((need) => need.mongo)?.mongo;
  const redis = needs.find((need) => need.redis)?.redis;
  return {
    ...(postgres && { postgres }),
    ...(mongo && { mongo }),
    ...(redis && { redis }),
    ...(brokers.length > 0 && {
      broker: {
        publish: [...new Set(brokers.flatMap(({ publish }) => publish))],
        consume: [...new Set(brokers.flatMap(({ consume }) => consume))],
      },
    }),
    services: [...new Set(needs.flatMap((need) => need.service?.name ?? []))],
    volumes: needs.flatMap(({ volume }) => (volume ? { ...volume, readOnly: volume.readOnly ?? false } : [])),
    optional: BACKENDS.filter((backend) => {
      const ofKind = needs.filter((need) => need[backend === 'nats' ? 'broker' : backend]);
      return ofKind.length > 0 && ofKind.every(({ optional }) => optional);
    }),
  };
}

/** Whether the platform has what a need is about. */
function isThere({ postgres, mongo, redis, broker, service, volume }: Need, platform: OrderPlatformSpec): boolean {
  return (
    (!postgres || platform.stores?.postgres !== undefined) &&
    (!mongo || platform.stores?.mongo !== undefined) &&
    (!redis || platform.stores?.redis !== undefined) &&
    (!broker || platform.broker?.nats !== undefined) &&
    (!service || platform.services.some(({ name }) => name === service.name)) &&
    (!volume || (platform.volumes ?? []).some(({ name }) => name === volume.name))
  );
}
