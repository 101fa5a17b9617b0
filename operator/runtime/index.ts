export {
  defineResource,
  keyFromString,
  keyOf,
  keyToString,
  resourcePath,
  type KubeObject,
  type ObjectKey,
  type ObjectMeta,
  type OwnerReference,
  type Resource,
} from './resource.ts';
export * from './known-resources.ts';
export {
  createClient,
  DEFAULT_FIELD_MANAGER,
  type ApplyOptions,
  type CallOptions,
  type Client,
  type ClientOptions,
  type DeleteOptions,
  type ListOptions,
  type LogOptions,
  type ObjectList,
  type PatchOptions,
  type WriteOptions,
} from './client.ts';
export { isInCluster, type KubeconfigSource } from './credentials.ts';
export {
  ApiError,
  isAlreadyExists,
  isConflict,
  FORBIDDEN,
  isForbidden,
  isInvalid,
  isNotFound,
  TerminalError,
  toError,
  unlessForbidden,
} from './errors.ts';
export { FencedError, type Fence } from './fence.ts';
export { createLeaderElection, type LeaderElection, type LeaderElectionOptions, type LeaseTiming } from './leader.ts';
export { type Informer, type InformerEvent } from './informer.ts';
export { type OptionalInformer } from './optional-informer.ts';
export { specChanged, statusIgnored, type Predicate } from './predicate.ts';
export {
  done,
  requeueAfter,
  watching,
  type Controller,
  type ControllerOptions,
  type Reconcile,
  type ReconcileContext,
  type Result,
  type Watch,
} from './controller.ts';
export { createManager, terminationSignal, type InformerScope, type Manager, type ManagerOptions } from './manager.ts';
export {
  APPLIED_HASH,
  applyIfChanged,
  applyStatusIfChanged,
  hasWritten,
  type Applied,
  type ApplyIfChangedOptions,
} from './apply.ts';
export { changesBetween, differences, type ValueChange } from './compare.ts';
export { managersOf, type ManagedFields } from './field-managers.ts';
export { hashOf } from './hash.ts';
export { controllerOf, controllerReference, refersTo } from './owner.ts';
export { addFinalizer, hasFinalizer, isDeleting, removeFinalizer } from './finalizer.ts';
export {
  findCondition,
  isConditionTrue,
  removeCondition,
  setCondition,
  toKubeTime,
  type Condition,
  type ConditionStatus,
  type ConditionUpdate,
} from './conditions.ts';
export { type EventInput, type Recorder } from './events.ts';
export { fakeClock, realClock, sleep, type Clock, type FakeClock } from './clock.ts';
export { createLogger, LOG_LEVELS, silentLogger, type Log, type LogLevel } from './log.ts';
