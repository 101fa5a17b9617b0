import type { EnvironmentSpec, Need, OrderPlatformSpec, ServiceSpec } from '../api/v1alpha1/index.ts';
import { autoscalingOf, replicasOf } from './autoscaling.ts';
import { catalogueEntry } from './catalogue.ts';
import { PLATFORM_CHECKS } from './checks.ts';
import { fromRegistry, type Images } from './images.ts';
import type { PlatformIdentity } from './labels.ts';
import { BACKENDS, componentName } from './names.ts';
import type { Platform, Schedule, Service, ServiceNeeds } from './platform.ts';
import { RELEASE } from './release-images.ts';

export type Resolution = { platform: Platform; violations?: never } | { platform?: never; violations: string[] };

/** What a spec amounts to with this operator's catalogue, or everything that is wrong with it, in words. */
export function resolvePlatform(
  identity: Omit<PlatformIdentity, 'version'>,
  spec: OrderPlatformSpec,
  releaseImages: Images,
  release: string = RELEASE,
): Resolution {
  const images = fromRegistry(releaseImages, spec.images?.registry);
  const platform: Platform = {
    ...identity,
    version: spec.version ?? release,
    release,
    profile: spec.profile,
    progressDeadlineSeconds: spec.progressDeadlineSeconds,
    images,
    pullSecrets: (spec.images?.pullSecrets ?? []).map(({ name }) => name),
    stores: spec.stores ?? {},
    broker: spec.broker?.nats,
    migrations: spec.migrations ?? {},
    volumes: spec.volumes ?? [],
    services: spec.services.map((service) => resolveService(identity.name, service, spec, images)),
    ingress: spec.exposure?.ingress,
    isRestricted: spec.networkPolicy?.enabled ?? true,
    metrics: spec.observability?.metrics,
  };
  const violations = PLATFORM_CHECKS.map((check) => check(platform, spec)).filter(
    (violation) => violation !== undefined,
  );
  return violations.length > 0 ? { violations } : { platform };
}

function resolveService(platform: string, spec: ServiceSpec, platformSpec: OrderPlatformSpec, images: Images): Service {
  const { profile } = platformSpec;
  const entry = catalogueEntry(spec.name);
  const isOurImage = entry !== undefined && spec.image === undefined;
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
    env: mergeEnv(platform, entry?.env ?? {}, spec.env ?? []),
    resources: spec.resources,
    needs: resolveNeeds([...(entry?.needs ?? []), ...(spec.needs ?? [])], platformSpec),
    requires: [
      ...(entry?.migrations ? [{ migration: componentName(platform, spec.name) }] : []),
      ...(entry?.requires ?? []),
      ...(spec.requires ?? []),
    ],
    migrations: entry?.migrations,
    checksVerification: entry?.checksVerification ?? false,
  };
}

function scheduleOf({ schedule, timeZone, concurrencyPolicy = 'Forbid' }: ServiceSpec): Schedule | undefined {
  return schedule === undefined ? undefined : { cron: schedule, timeZone, concurrencyPolicy };
}

function mergeEnv(platform: string, defaults: Record<string, string>, own: EnvironmentSpec[]): EnvironmentSpec[] {
  const merged = new Map<string, EnvironmentSpec>(
    Object.entries(defaults).map(([name, value]) => [name, { name, value: value.replaceAll('{platform}', platform) }]),
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
  return {
    ...(postgres && { postgres }),
    ...(mongo && { mongo }),
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
function isThere({ postgres, mongo, broker, service, volume }: Need, platform: OrderPlatformSpec): boolean {
  return (
    (!postgres || platform.stores?.postgres !== undefined) &&
    (!mongo || platform.stores?.mongo !== undefined) &&
    (!broker || platform.broker?.nats !== undefined) &&
    (!service || platform.services.some(({ name }) => name === service.name)) &&
    (!volume || (platform.volumes ?? []).some(({ name }) => name === volume.name))
  );
}
