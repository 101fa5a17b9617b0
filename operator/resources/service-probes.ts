import type { ProbeSpec } from '../api/v1alpha1/index.ts';
import type { Service } from './platform.ts';
import { probes, type Container, type Probe } from './pod.ts';

/**
 * The probes of a service: what the user says, field by field, over what is usual. Without a port nothing is asked that the user does
 * not ask for.
 */
export function serviceProbes(service: Service): Partial<Container> {
  if (service.schedule) return {};
  const { startup, readiness, liveness } = service.probes;
  const paths = service.probePaths;
  const actions = {
    startup: action(service, saysWhatToAsk(startup) ? startup : liveness, paths?.live),
    readiness: action(service, readiness, paths?.ready),
    liveness: action(service, liveness, paths?.live),
  };
  const { startupProbe, readinessProbe, livenessProbe } = probes({
    startup: actions.startup ?? {},
    readiness: actions.readiness ?? {},
    liveness: actions.liveness ?? {},
  });
  return {
    ...(actions.startup && { startupProbe: { ...startupProbe, ...timings(startup) } }),
    ...(actions.readiness && { readinessProbe: { ...readinessProbe, ...timings(readiness) } }),
    ...(actions.liveness && { livenessProbe: { ...livenessProbe, ...timings(liveness) } }),
  };
}

const saysWhatToAsk = (probe: ProbeSpec | undefined) => probe?.path ?? probe?.command ?? probe?.port;

/** What is done to ask; undefined where there is nothing that could be asked. */
function action(service: Service, asked: ProbeSpec | undefined, usualPath: string | undefined): Probe | undefined {
  if (asked?.command) return { exec: { command: asked.command } };
  const path = asked?.path ?? usualPath;
  const usualPort = path === undefined ? undefined : (service.probePaths?.port ?? managementPort(service));
  const port = asked?.port ?? usualPort ?? portName(service);
  if (port === undefined) return undefined;
  return path === undefined ? { tcpSocket: { port } } : { httpGet: { path, port } };
}

const portName = ({ port, portName: name }: Service) => (port === undefined ? undefined : name);
const managementPort = ({ managementPort: port }: Service) => (port === undefined ? undefined : 'management');

function timings(probe: ProbeSpec | undefined): Partial<Probe> {
  const { initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold } = probe ?? {};
  const given = { initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
