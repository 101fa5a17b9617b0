export type { Cluster, ClusterProvider, ClusterStatus, UpOptions } from './cluster.ts';
export type { Forward, Tier } from './config.ts';
export { contextProvider } from './context.ts';
export { embeddedProvider, type EmbeddedOptions } from './embedded.ts';
export type { ImageArchive } from './images.ts';
export { preflight, type Check } from './preflight.ts';
export { CLUSTER_NAME, DEFAULT_CLUSTER_NAME, orderplaneHome } from './layout.ts';
