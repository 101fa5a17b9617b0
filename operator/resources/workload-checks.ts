import type { PlatformCheck } from './checks.ts';
import { catalogueEntry } from './catalogue.ts';
import { componentName } from './names.ts';
import type { Platform } from './platform.ts';

/** What can be wrong with how services run. */
export const WORKLOAD_CHECKS: readonly PlatformCheck[] = [
  releaseServiceOnSchedule,
  cronJobNameTooLong,
  neededVolumeMissing,
  mountPathTaken,
  probeWithoutPort,
];

function releaseServiceOnSchedule({ services }: Platform): string | undefined {
  const service = services.find(({ name, schedule }) => schedule && catalogueEntry(name));
  return (
    service &&
    `service ${service.name} of the release runs all the time, and not as a CronJob: drop its type and schedule, or choose another name for yours`
  );
}

/** Kubernetes appends to the name of a CronJob for its runs, and so leaves less room than for other objects. */
const MAX_CRON_JOB_NAME = 52;

function cronJobNameTooLong({ name: platform, services }: Platform): string | undefined {
  const names = services.filter(({ schedule }) => schedule).map(({ name }) => componentName(platform, name));
  const tooLong = names.find((name) => name.length > MAX_CRON_JOB_NAME);
  return (
    tooLong &&
    `CronJob ${tooLong} would have ${tooLong.length} characters, and can have ${MAX_CRON_JOB_NAME}: choose a shorter name for the service`
  );
}

function neededVolumeMissing({ services, volumes }: Platform): string | undefined {
  const known = new Set(volumes.map(({ name }) => name));
  for (const { name, needs } of services) {
    const missing = needs.volumes.find((volume) => !known.has(volume.name));
    if (missing)
      return `service ${name} needs volume ${missing.name}, but spec.volumes has no ${missing.name}: add it or drop the need`;
  }
  return undefined;
}

function mountPathTaken({ services }: Platform): string | undefined {
  for (const { name, needs } of services) {
    const paths = needs.volumes.map(({ mountPath }) => mountPath);
    const twice = paths.find((path, i) => paths.indexOf(path) !== i);
    if (twice) return `service ${name} mounts two volumes at ${twice}: mount one of them elsewhere`;
  }
  return undefined;
}

/** Only a command can be asked of a service that does not listen. */
function probeWithoutPort({ services }: Platform): string | undefined {
  for (const { name, port, probes } of services) {
    if (port !== undefined) continue;
    const [kind] =
      Object.entries(probes).find(([, probe]) => probe && !probe.command && probe.port === undefined) ?? [];
    if (kind)
      return `the ${kind} probe of service ${name} has no port to ask, as the service has none: give it a port or a command`;
  }
  return undefined;
}
