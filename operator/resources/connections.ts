/** What the pods of a service connect to, as far as the platform opens it. */
import { type Backend, BACKENDS } from './names.ts';
import { backendsOf, type Platform, type ServiceNeeds } from './platform.ts';

export interface Connections {
  services: readonly string[];
  backends: readonly Backend[];
}

/** Somebody who connects. */
export interface Caller {
  name: string;
  connections: Connections;
}

/** The services of the platform, and those whose last pods are going. */
export function callersOf({ services, leaving }: Pick<Platform, 'services' | 'leaving'>): Caller[] {
  return [...services, ...leaving];
}

export function connectionsOf(needs: ServiceNeeds): Connections {
  return { services: needs.services, backends: backendsOf(needs) };
}

/** What either connects to. */
export function unionOf(one: Connections, other: Connections): Connections {
  const isOfEither = (backend: Backend) => one.backends.includes(backend) || other.backends.includes(backend);
  return {
    services: [...new Set([...one.services, ...other.services])],
    backends: BACKENDS.filter(isOfEither),
  };
}
