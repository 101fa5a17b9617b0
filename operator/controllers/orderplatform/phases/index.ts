import type { Stage } from '../../../api/v1alpha1/index.ts';
import type { Deps } from '../../deps.ts';
import type { Fact } from '../../fact.ts';
import type { Scope } from '../scope.ts';
import { reconcileBroker } from './broker.ts';
import { reconcileCredentials } from './credentials.ts';
import { reconcileDatabases } from './databases.ts';
import { reconcileExposure } from './exposure.ts';
import { findIdentity } from './identity.ts';
import { reconcileMigrations } from './migrations.ts';
import { reconcileMonitoring } from './monitoring.ts';
import { reconcileNetwork } from './network.ts';
import { reconcileSeeds } from './seeds.ts';
import { reconcileServices } from './services.ts';
import { reconcileStores } from './stores.ts';
import { reconcileVerification } from './verification.ts';

/** One stage: does what it can, whatever the others wait for, and says what it found. */
export interface Phase {
  stage: Stage;
  run: (deps: Deps, scope: Scope) => Promise<Fact>;
}

/**
 * How a platform comes up. A phase reads what the ones before it found, and gates only on what it needs itself: what tells of a service comes after
 * the services.
 */
export const PHASES: readonly Phase[] = [
  { stage: 'CredentialsReady', run: reconcileCredentials },
  { stage: 'NetworkRestricted', run: reconcileNetwork },
  { stage: 'StoresReady', run: reconcileStores },
  { stage: 'BrokerReady', run: reconcileBroker },
  { stage: 'DatabasesReady', run: reconcileDatabases },
  { stage: 'SchemaCurrent', run: reconcileMigrations },
  { stage: 'SeedsApplied', run: reconcileSeeds },
  { stage: 'ServicesAvailable', run: reconcileServices },
  { stage: 'IdentityReady', run: async (_deps, scope) => findIdentity(scope) },
  { stage: 'Exposed', run: reconcileExposure },
  { stage: 'Monitored', run: reconcileMonitoring },
  { stage: 'OrderFlowVerified', run: reconcileVerification },
];
