import type { Progress } from '../progress.ts';
import type { Forward, Tier } from './config.ts';
import type { ImageArchive } from './images.ts';
import type { ComponentState } from './status.ts';

export interface UpOptions {
  tier?: Tier;
  /** Ports of localhost that lead to Services, which may come later. */
  forwards?: readonly Forward[];
  /** Default true. False for clusters that nobody keeps: faster, but a power cut costs them. */
  fsync?: boolean;
  signal?: AbortSignal;
}

/** A cluster that is up. */
export interface Cluster {
  name: string;
  /** A file in which `context` is found. */
  kubeconfigPath: string;
  context: string;
  /** The host as pods see it; unknown for clusters of others. */
  hostAddress?: string;
  /** One JSON line a request (level Metadata); only where the API server is ours. */
  auditLogPath?: string;
  /** Makes images known to the node; those that it has are skipped. Does nothing where a registry serves the nodes. */
  importImages(images: readonly ImageArchive[], report: Progress): Promise<void>;
}

export interface ClusterStatus {
  name: string;
  provider: ClusterProvider['name'];
  phase: 'absent' | 'stopped' | 'starting' | 'ready' | 'failed';
  message: string;
  context?: string;
  components: ComponentState[];
  forwards: readonly Forward[];
}

/** A way to have a cluster. `up` and `down` may be repeated at will and take up what was cut short. */
export interface ClusterProvider {
  readonly name: 'context' | 'embedded';
  up(options: UpOptions, report: Progress): Promise<Cluster>;
  /** Removes the cluster, where it is ours, with everything that belongs to it. */
  down(report: Progress): Promise<void>;
  status(): Promise<ClusterStatus>;
}
