import { isIP } from 'node:net';
import { PORTS } from '../ports.ts';
import type { Peer } from './flows.ts';

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  postgres: PORTS.postgres,
  postgresql: PORTS.postgres,
  mongodb: PORTS.mongo,
  'mongodb+srv': PORTS.mongo,
  redis: PORTS.redis,
  rediss: PORTS.redis,
  nats: PORTS.nats,
  tls: PORTS.nats,
  http: 80,
  https: 443,
};

const URI = /^([a-z+]+):\/\/(?:[^@/?]*@)?([^/?]+)/;
const HOST_AND_PORT = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/;

/**
 * The servers that a connection URI names, as peers of a NetworkPolicy: by address where it is one. A policy cannot name a DNS name,
 * so what has one is open on its port.
 */
export function serversOf(uri: string): { peer: Peer; port: number }[] {
  const [, scheme = '', hosts = ''] = URI.exec(uri) ?? [];
  const servers = hosts.split(',').flatMap((server) => {
    const [, v6, name = '', port] = HOST_AND_PORT.exec(server) ?? [];
    const host = v6 ?? name;
    const number = Number(port ?? DEFAULT_PORTS[scheme] ?? 0);
    if (!host || !number) return [];
    const peer: Peer = isIP(host) ? { address: `${host}/${isIP(host) === 4 ? 32 : 128}` } : { world: true };
    return { peer, port: number };
  });
  return [...new Map(servers.map((server) => [JSON.stringify(server), server])).values()];
}
