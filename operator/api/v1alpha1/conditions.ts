/** Conditions that every kind has. `Reconciling` and `Stalled` are True or absent, never both (kstatus). */
export const READY = 'Ready';
export const RECONCILING = 'Reconciling';
export const STALLED = 'Stalled';
/** True on a platform that is not acted on because its spec says so; absent otherwise. */
export const SUSPENDED = 'Suspended';

/** One condition a stage, in the order in which a platform comes up. */
export const STAGES = [
  'CredentialsReady',
  'NetworkRestricted',
  'StoresReady',
  'BrokerReady',
  'IdentityReady',
  'DatabasesReady',
  'SchemaCurrent',
  'SeedsApplied',
  'ServicesAvailable',
  'Exposed',
  'Monitored',
  'OrderFlowVerified',
] as const;
export type Stage = (typeof STAGES)[number];

/** What a stage's condition is about, for `kubectl explain` and the reference. */
export const STAGE_DESCRIPTIONS: Readonly<Record<Stage, string>> = {
  CredentialsReady: 'every password and key exists',
  NetworkRestricted: 'the NetworkPolicies are as the needs of the services have them',
  StoresReady: 'the stores answer',
  BrokerReady: 'the broker answers',
  IdentityReady: 'customers can be told apart',
  DatabasesReady: 'databases and roles exist, with the rights that were asked for',
  SchemaCurrent: 'every Migration of the platform is Ready',
  SeedsApplied: 'every SeedJob of the platform has run',
  ServicesAvailable: 'every service runs as wanted',
  Exposed: 'the platform is reached under its host',
  Monitored: 'Prometheus is told of the metrics',
  OrderFlowVerified: 'an order went through the whole platform',
};
