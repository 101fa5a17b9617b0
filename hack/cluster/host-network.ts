import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeNetwork } from './network.ts';
import { runCommand } from '../toolchain/command.ts';

const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward';
const TABLE_TIMEOUT_MS = 5_000;
/** On a file system that a reboot empties, as a reboot also resets the setting. */
const FORMER_IP_FORWARD = '/run/orderplane.ip_forward';

/**
 * Plugs the node's network namespace into the host: a link, and routes to pods and Services. All of it goes with the namespace.
 */
export async function linkNode(network: NodeNetwork, nodePid: number): Promise<void> {
  await unlinkNode(network);
  const commands = [
    `link add ${network.interface} type veth peer name eth0 netns ${nodePid}`,
    `address add ${network.hostAddress}/30 dev ${network.interface}`,
    `link set ${network.interface} up`,
    `route add ${network.podCidr} via ${network.nodeAddress}`,
    `route add ${network.serviceCidr} via ${network.nodeAddress}`,
  ];
  await runCommand('ip', ['-batch', '-'], { input: `${commands.join('\n')}\n` });
}

export async function unlinkNode(network: NodeNetwork): Promise<void> {
  await runCommand('ip', ['link', 'delete', network.interface]).catch((error: Error) => {
    if (!error.message.includes('Cannot find device')) throw error;
  });
}

export function egressTable(clusterName: string): string {
  return `orderplane_${clusterName.replaceAll('-', '_')}`;
}

/**
 * Lets pods reach what the host reaches. The table belongs to the nft process that made it (`flags owner`): the kernel removes it
 * when that process ends, so even a kill -9 leaves no rules behind.
 */
export async function openEgress(clusterName: string, network: NodeNetwork): Promise<void> {
  const table = egressTable(clusterName);
  await allowForwarding();
  const nft = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'nft', '--interactive'], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  await once(nft, 'spawn');
  nft.stdin.write(
    `table ip ${table} { flags owner; chain postrouting { type nat hook postrouting priority srcnat; policy accept; ` +
      `ip saddr { ${network.linkCidr}, ${network.podCidr} } oifname != "${network.interface}" masquerade; }; }\n`,
  );
  const deadline = Date.now() + TABLE_TIMEOUT_MS;
  while (!(await tableExists(table))) {
    if (nft.exitCode !== null || Date.now() > deadline)
      throw new Error(`nft could not add table ${table}: see the daemon's log`);
    await delay(20);
  }
}

function tableExists(table: string): Promise<boolean> {
  return runCommand('nft', ['list', 'table', 'ip', table]).then(() => true, () => false); // prettier-ignore
}

/** Resolves when the table of a daemon that has ended is gone: the kernel removes it a moment after. */
export async function egressClosed(clusterName: string): Promise<void> {
  const table = egressTable(clusterName);
  const deadline = Date.now() + TABLE_TIMEOUT_MS;
  while (await tableExists(table)) {
    if (Date.now() > deadline) throw new Error(`nft table ${table} is still there: a process that owns it lives on`);
    await delay(20);
  }
}

async function allowForwarding(): Promise<void> {
  const former = (await readFile(IP_FORWARD, 'utf8')).trim();
  if (former === '1') return;
  await writeFile(FORMER_IP_FORWARD, former);
  await writeFile(IP_FORWARD, '1');
}

/** Puts the host's forwarding back as it was before the first cluster, unless another cluster still needs it. */
export async function restoreForwarding(): Promise<void> {
  const tables = await runCommand('nft', ['list', 'tables']).catch(() => '');
  if (tables.includes(' orderplane_')) return;
  const former = await readFile(FORMER_IP_FORWARD, 'utf8').catch(() => undefined);
  if (former !== undefined) await writeFile(IP_FORWARD, former);
  await rm(FORMER_IP_FORWARD, { force: true });
}

/**
 * Name servers that the node can reach too. A resolver on the host's loopback (systemd-resolved) is not among them: then the ones
 * that it asks are taken.
 */
export async function upstreamNameservers(): Promise<string[]> {
  for (const path of ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf']) {
    const found = parseNameservers(await readFile(path, 'utf8').catch(() => ''));
    if (found.length > 0) return found;
  }
  return [];
}

export function parseNameservers(resolvConf: string): string[] {
  const addresses = [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1] as string);
  return addresses.filter((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address) && !address.startsWith('127.'));
}
