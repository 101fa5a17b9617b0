import { runCommand } from '../toolchain/command.ts';

/** The addresses of one cluster. Every cluster of a machine has a slot of its own, so that several run side by side. */
export interface NodeNetwork {
  slot: number;
  /** The host's end of the link; the node's end is called eth0. */
  interface: string;
  hostAddress: string;
  nodeAddress: string;
  linkCidr: string;
  podCidr: string;
  serviceCidr: string;
  dnsServiceAddress: string;
  kubernetesServiceAddress: string;
}

const SLOTS = 256;

/** Uncommon subnets of 10/8, away from those that Docker, kind and the usual CNIs take. */
export function nodeNetwork(slot: number): NodeNetwork {
  return {
    slot,
    interface: `orderplane${slot}`,
    linkCidr: `10.213.${slot}.0/30`,
    hostAddress: `10.213.${slot}.1`,
    nodeAddress: `10.213.${slot}.2`,
    podCidr: `10.214.${slot}.0/24`,
    serviceCidr: `10.215.${slot}.0/24`,
    kubernetesServiceAddress: `10.215.${slot}.1`,
    dnsServiceAddress: `10.215.${slot}.10`,
  };
}

/** The first slot that no other cluster has and whose subnets the host does not use. */
export function chooseSlot(takenSlots: readonly number[], hostCidrs: readonly string[]): number {
  for (let slot = 0; slot < SLOTS; slot++) {
    const { linkCidr, podCidr, serviceCidr } = nodeNetwork(slot);
    const collides = hostCidrs.some((used) => [linkCidr, podCidr, serviceCidr].some((own) => cidrsOverlap(used, own)));
    if (!takenSlots.includes(slot) && !collides) return slot;
  }
  throw new Error(
    'the host has routes to all of 10.213.0.0/16, 10.214.0.0/16 or 10.215.0.0/16, which local clusters take their addresses from',
  );
}

export function cidrsOverlap(a: string, b: string): boolean {
  const [first, second] = [parseCidr(a), parseCidr(b)];
  const shorter = Math.min(first.length, second.length);
  return shorter === 0 || first.address >>> (32 - shorter) === second.address >>> (32 - shorter);
}

function parseCidr(cidr: string): { address: number; length: number } {
  const [ip = '', length = '32'] = cidr.split('/');
  const address = ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return { address, length: Number(length) };
}

/**
 * The IPv4 subnets that the host routes somewhere special. Very wide ones are left out: ours are narrower and so win over, say, a VPN
 * that takes all private addresses.
 */
export async function hostCidrs(): Promise<string[]> {
  const WIDEST_THAT_COUNTS = 12;
  const routes = JSON.parse(await runCommand('ip', ['-4', '-json', 'route', 'show', 'table', 'all'])) as {
    dst: string;
  }[];
  return routes
    .map((route) => route.dst)
    .filter((dst) => /^\d/.test(dst) && parseCidr(dst).length > WIDEST_THAT_COUNTS);
}
