import type { DatabaseStatus, OrderPlatform, Stage } from '../../api/v1alpha1/index.ts';
import type { ExternalServer } from '../../resources/credentials.ts';
import type { Desired, SecretData } from '../../resources/desired.ts';
import type { ReferencedData } from '../../resources/environment.ts';
import type { LoginState } from '../../resources/login-state.ts';
import type { Backend, StoreName } from '../../resources/names.ts';
import type { Platform } from '../../resources/platform.ts';
import type { CronJob, Deployment, Log, StatefulSet } from '../../runtime/index.ts';
import type { Fact } from '../fact.ts';
import type { RunRecord } from '../runs/plan.ts';
import type { PinPlan } from './pinning/plan.ts';

/** What a visit has found so far. Phases write it, later phases and the status read it; nothing here outlives the visit. */
export interface Scope {
  readonly object: OrderPlatform;
  readonly platform: Platform;
  readonly signal: AbortSignal;
  readonly log: Log;

  /** One fact a stage, by the phase of that name. */
  readonly facts: Map<Stage, Fact>;

  /** Data of the credential Secrets that exist, by name. */
  secrets: SecretData;
  /** What those Secrets say of the logins, by name of the Secret. */
  readonly logins: Map<string, LoginState>;
  /** Secrets of logins that cannot be had: they are somebody else's, or lost. */
  readonly refusedLogins: Set<string>;
  /** The user's own Secrets and ConfigMaps that services refer to, as they are. */
  referenced: ReferencedData;
  /** Each external store and broker as its Secret has it, and what is wrong with that Secret, or another that it needs. */
  readonly external: Map<Backend, { server?: ExternalServer; fault?: Fact }>;
  /** Everything that is to be applied, once the credentials are known. */
  desired: Desired | undefined;
  /** Which pod template each workload gets, and why, by component. */
  readonly pins: Map<string, PinPlan>;
  /** Stores and broker as they run, by component. */
  readonly statefulSets: Map<string, StatefulSet>;
  /** Stores that take connections. External ones are supposed to. */
  readonly readyStores: Set<StoreName>;
  /** What the volume of a store or broker has been asked to have, by component. */
  readonly volumes: Map<string, string>;
  /** Which volume or server each store is; a store that has none yet is absent. */
  readonly identities: Map<StoreName, string>;
  brokerIsReady: boolean;
  /** Stores whose databases and roles are as wanted now. */
  readonly provisioned: Set<StoreName>;
  /** Deployments as stored, by service. */
  readonly deployments: Map<string, Deployment>;
  /** CronJobs as stored, by service. */
  readonly cronJobs: Map<string, CronJob>;
  /** Services that run as wanted. */
  readonly available: Set<string>;
  /** What is wrong with a component, for its line in the status. */
  readonly troubles: Map<string, string>;

  /** Carried over from the last status, and changed where something ran: kept, or it would run again. */
  databases: DatabaseStatus[];
  lastHandledRotation: string | undefined;
  readonly runs: Map<string, RunRecord>;
}

export function newScope(object: OrderPlatform, platform: Platform, context: { signal: AbortSignal; log: Log }): Scope {
  const { databases = [], runs = [], lastHandledRotation } = object.status ?? {};
  return {
    object,
    platform,
    signal: context.signal,
    log: context.log,
    facts: new Map(),
    secrets: {},
    logins: new Map(),
    refusedLogins: new Set(),
    referenced: {},
    external: new Map(),
    desired: undefined,
    pins: new Map(),
    statefulSets: new Map(),
    readyStores: new Set(),
    volumes: new Map(),
    identities: new Map(),
    brokerIsReady: false,
    provisioned: new Set(),
    deployments: new Map(),
    cronJobs: new Map(),
    available: new Set(),
    troubles: new Map(),
    databases: [...databases],
    lastHandledRotation,
    runs: new Map(runs.map(({ name, ...record }) => [name, record])),
  };
}
