import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from '../progress.ts';
import { findProgram } from '../toolchain/command.ts';
import { ensureDebianPackages } from '../toolchain/debian.ts';
import { ensureTools, type ToolName } from '../toolchain/index.ts';
import type { Tier } from './config.ts';

const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;
const NODE = [...CONTROL_PLANE, 'kube-scheduler', 'kubelet', 'kube-proxy', 'coredns', 'containerd'] as const;
/** Used under their own names, by the components and by us. */
const NODE_PROGRAMS = ['ctr', 'runc', 'nft', 'ip'] as const;

/** Everything that a node asks the toolchain for. */
export const NODE_TOOLS: readonly ToolName[] = [...NODE_PROGRAMS, ...NODE, 'pause'];

export type ClusterTool = (typeof NODE)[number];

const CNI_PLUGINS = '/usr/lib/cni';

/** Absolute paths of the binaries that a cluster of this tier is made of; what is missing is installed or built. */
export async function clusterTools(tier: Tier, report: Progress): Promise<Partial<Record<ClusterTool, string>>> {
  await ensureDebianPackages(await missingPackages(tier), report);
  if (tier === 'control-plane') return ensureTools(CONTROL_PLANE, report);
  const tools = await ensureTools([...NODE_PROGRAMS, ...NODE], report);
  return Object.fromEntries(NODE.map((name) => [name, tools[name]]));
}

/** Debian packages for what the toolchain does not list: certificates, the node's PID 1, the pods' network. */
export async function missingPackages(tier: Tier): Promise<string[]> {
  const packages = (await findProgram('openssl')) ? [] : ['openssl'];
  if (tier === 'control-plane') return packages;
  if (!(await findProgram('tini'))) packages.push('tini');
  if (!existsSync(join(CNI_PLUGINS, 'ptp'))) packages.push('containernetworking-plugins');
  return packages;
}
