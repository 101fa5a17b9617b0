import { homedir } from 'node:os';
import { join } from 'node:path';

/** Cluster names become parts of file names, cgroups and nft tables. */
export const CLUSTER_NAME = /^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$/;
export const DEFAULT_CLUSTER_NAME = 'local';

/** `$ORDERPLANE_HOME`, else `~/.orderplane`. */
export function orderplaneHome(env: NodeJS.ProcessEnv = process.env): string {
  return env['ORDERPLANE_HOME'] || join(homedir(), '.orderplane');
}

export interface ClusterLayout {
  name: string;
  dir: string;
  config: string;
  pki: string;
  etcd: string;
  containerd: string;
  kubelet: string;
  volumes: string;
  images: string;
  settings: string;
  logs: string;
  auditLog: string;
  daemonLog: string;
  kubeconfig: string;
}

/** Where everything of one cluster is. Nothing of it lies outside `dir` but what lives and dies with its processes. */
export function clusterLayout(name: string, home: string = orderplaneHome()): ClusterLayout {
  if (!CLUSTER_NAME.test(name)) {
    throw new Error(
      `"${name}" cannot name a cluster: use up to 32 lower-case letters, digits and dashes, beginning with a letter`,
    );
  }
  return layoutAt(name, join(clustersDir(home), name));
}

export function layoutAt(name: string, dir: string): ClusterLayout {
  const logs = join(dir, 'logs');
  return {
    name,
    dir,
    config: join(dir, 'cluster.json'),
    pki: join(dir, 'pki'),
    etcd: join(dir, 'etcd'),
    containerd: join(dir, 'containerd'),
    kubelet: join(dir, 'kubelet'),
    volumes: join(dir, 'volumes'),
    images: join(dir, 'images'),
    settings: join(dir, 'settings'),
    logs,
    auditLog: join(logs, 'audit.log'),
    daemonLog: join(logs, 'daemon.log'),
    kubeconfig: join(dir, 'kubeconfig'),
  };
}

export function clustersDir(home: string): string {
  return join(home, 'clusters');
}
