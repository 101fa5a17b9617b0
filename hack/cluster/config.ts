import { createHash } from 'node:crypto';
import { readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { clusterLayout, clustersDir, CLUSTER_NAME, type ClusterLayout } from './layout.ts';
import type { ImageArchive } from './images.ts';
import type { ClusterTool } from './tools.ts';

/** `node`: pods run. `control-plane`: an API server and its controllers only, without root. */
export type Tier = 'node' | 'control-plane';

/** A port of localhost that leads to a Service of the cluster. */
export interface Forward {
  listen: number;
  namespace: string;
  service: string;
  port: number;
}

/** What the daemon of a cluster needs to know: written by `up`, kept until `down`. */
export interface ClusterConfig {
  name: string;
  tier: Tier;
  slot: number;
  /** False only for clusters that nobody keeps: etcd then does not survive a power cut. */
  fsync: boolean;
  forwards: Forward[];
  /** Absolute paths of the programs that this tier runs. */
  tools: Partial<Record<ClusterTool, string>>;
  /** Of tier `node` only. */
  pauseImage?: ImageArchive;
  ports: { api: number; etcdClient: number; etcdPeer: number; controllerManager: number };
}

export async function readConfig(layout: ClusterLayout): Promise<ClusterConfig | undefined> {
  try {
    return JSON.parse(await readFile(layout.config, 'utf8')) as ClusterConfig;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${layout.config} cannot be read`, { cause: error });
  }
}

/** Appears whole or not at all. */
export async function writeConfig(layout: ClusterLayout, config: ClusterConfig): Promise<void> {
  const draft = `${layout.config}.${process.pid}`;
  await writeFile(draft, JSON.stringify(config, undefined, 2), { mode: 0o600 });
  await rename(draft, layout.config);
}

/** Tells whether a running daemon was started with this configuration. */
export function configHash(config: ClusterConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 12);
}

/** Every cluster below `home` that has got as far as a configuration. */
export async function listConfigs(home: string): Promise<ClusterConfig[]> {
  const names = await readdir(clustersDir(home)).catch(() => []);
  const configs = await Promise.all(
    names.filter((name) => CLUSTER_NAME.test(name)).map((name) => readConfig(clusterLayout(name, home))),
  );
  return configs.filter((config) => config !== undefined);
}
