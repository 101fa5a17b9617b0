import { type Need, type OrderPlatformSpec, type Profile, type ServiceSpec } from '../api/v1alpha1/index.ts';
import { catalogueEntry } from './catalogue.ts';
import { PLATFORM_CHECKS } from './checks.ts';
import type { Images } from './images.ts';
import type { PlatformIdentity } from './labels.ts';
import { componentName } from './names.ts';
import type { Platform, Service, ServiceNeeds } from './platform.ts';
import { RELEASE } from './release-images.ts';

/** Pods of a service, by profile, where it does not say how many. */
const REPLICAS: Readonly<Record<Profile, number>> = { dev: 1, staging: 2, prod: 3 };

export type Resolution = { platform: Platform; violations?: never } | { platform?: never; violations: string[] };

/** What a spec amounts to with this operator's catalogue, or everything that is wrong with it, in words. */
export function resolvePlatform(
  identity: Omit<PlatformIdentity, 'version'>,
  spec: OrderPlatformSpec,
  images: Images,
  release: string = RELEASE,
): Resolution {
  const platform: Platform = {
    ...identity,
    version: spec.version ?? release,
    release,
    profile: spec.profile,
    progressDeadlineSeconds: spec.progressDeadlineSeconds,
    images,
    stores: spec.stores ?? {},
    broker: spec.broker?.nats,
    services: spec.services.map((service) => resolveService(identity.name, service, spec.profile, images)),
    ingress: spec.exposure?.ingress,
    isRestricted: spec.networkPolicy?.enabled ?? true,
    metrics: spec.observability?.metrics,
  };
  const violations = PLATFORM_CHECKS.map((check) => check(platform, spec)).filter(
    (violation) => violation !== undefined,
  );
  return violations.length > 0 ? { violations } : { platform };
}

function resolveService(platform: string, spec: ServiceSpec, profile: Profile, images: Images): Service {
  const entry = catalogueEntry(spec.name);
  const isOurImage = entry !== undefined && spec.image === undefined;
  return {
    name: spec.name,
    image: spec.image ?? (entry ? images[entry.image] : ''),
    command: spec.command ?? entry?.command,
    args: spec.args,
    replicas: spec.replicas ?? REPLICAS[profile],
    port: spec.port ?? entry?.port,
    portName: entry?.portName ?? 'main',
    isDefaultPort: entry !== undefined && (spec.port === undefined || spec.port === entry.port),
    managementPort: entry?.managementPort,
    probes: entry?.probes,
    routes: spec.routes ?? entry?.routes ?? [],
    isOurImage,
    env: mergeEnv(platform, entry?.env ?? {}, spec.env ?? []),
    resources: spec.resources,
    needs: resolveNeeds([...(entry?.needs ?? []), ...(spec.needs ?? [])]),
    requires: [
      ...(entry?.migrations ? [{ migration: componentName(platform, spec.name) }] : []),
      ...(entry?.requires ?? []),
      ...(spec.requires ?? []),
    ],
    migrations: entry?.migrations,
    checksVerification: entry?.checksVerification ?? false,
  };
}

function mergeEnv(platform: string, defaults: Record<string, string>, own: { name: string; value: string }[]) {
  const merged = new Map(
    Object.entries(defaults).map(([name, value]) => [name, value.replaceAll('{platform}', platform)]),
  );
  for (const { name, value } of own) merged.set(name, value);
  return Array.from(merged, ([name, value]) => ({ name, value }));
}

/** One need of a store (the checks see to that), the topics of all. */
function resolveNeeds(needs: readonly Need[]): ServiceNeeds {
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
  };
}
