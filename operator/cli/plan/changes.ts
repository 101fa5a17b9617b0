/** What a rehearsal wrote, as changes of what was there before: pure but for looking things up in the world. */
import { ControllerRevisions, Jobs, Secrets, type Job } from '../../runtime/known-resources.ts';
import { changesBetween, type ValueChange } from '../../runtime/compare.ts';
import { APPLIED_HASH } from '../../runtime/apply.ts';
import type { KubeObject } from '../../runtime/resource.ts';
import { APPLIED_TEMPLATE_ANNOTATION } from '../../resources/labels.ts';
import type { World, Written } from '../rehearsal/world.ts';
import { isTelling } from '../../jobs/secrets.ts';
import { runOf, type Run } from './runs.ts';
import { MASK, maskValue } from '../mask.ts';

export interface FieldChange {
  path: string;
  /** Absent where there was nothing. */
  from?: unknown;
  /** Absent where there will be nothing. */
  to?: unknown;
}

export interface Change {
  /** Changes of one step are made together; each step waits for the one before to come true. */
  step: number;
  action: 'create' | 'update' | 'delete';
  kind: string;
  namespace: string;
  name: string;
  fields: FieldChange[];
  /** A word on what is created. */
  summary?: string;
  /** Why pods are replaced; absent where none are. */
  restarts?: string[];
}

/** What a rehearsal amounts to. */
export async function changesOf(world: World): Promise<{ changes: Change[]; runs: Run[] }> {
  const runs: Run[] = [];
  const changes: Change[] = [];
  const jobs = new Set(world.written.filter(isOfRun).map(({ key }) => key.name));
  for (const written of world.written) {
    const before = await world.before(written.resource, written.key);
    const after = await world.read(written.resource, written.key);
    if (written.resource.kind === ControllerRevisions.kind) continue; // the operator's own notes
    if (written.resource.kind === Jobs.kind) {
      if (after && !before) runs.push(await runOf(world, after as Job, written.step));
    } else if (!(written.resource.kind === 'ConfigMap' && jobs.has(written.key.name))) {
      const change = changeOf(written, before, after);
      if (change) changes.push(change);
    }
  }
  return { changes: changes.toSorted(inReadingOrder), runs: runs.toSorted(inReadingOrder) };
}

/** What is written at the same time has no order of its own. */
const KINDS = ['Secret', 'ConfigMap', 'PersistentVolumeClaim', 'Service', 'StatefulSet', 'Migration', 'ServiceAccount'];

/** By step, then what others need first, then by name: the same each time. */
export function inReadingOrder(
  a: { step: number; kind?: string; name?: string; job?: string },
  b: { step: number; kind?: string; name?: string; job?: string },
): number {
  const rank = ({ kind = '' }: { kind?: string }) => KINDS.indexOf(kind) + 1 || KINDS.length + 1;
  const text = ({ kind, name, job }: typeof a) => `${kind} ${name ?? job}`;
  return a.step - b.step || rank(a) - rank(b) || text(a).localeCompare(text(b));
}

const isOfRun = ({ resource }: Written) => resource.kind === Jobs.kind;

function changeOf(
  { resource, key, step }: Written,
  before: KubeObject | undefined,
  after: KubeObject | undefined,
): Change | undefined {
  const base = { step, kind: resource.kind, ...key };
  if (!before && !after) return undefined;
  if (!after) return { ...base, action: 'delete', fields: [] };
  if (!before) return { ...base, action: 'create', fields: [], ...summaryOf(after) };
  const fields = fieldChanges(before, after, resource.kind === Secrets.kind);
  if (fields.length === 0) return undefined;
  const restarts = restartReasons(fields);
  return { ...base, action: 'update', fields, ...(restarts.length > 0 && { restarts }) };
}

/** What is not the operator's to decide, or only its own bookkeeping. */
const IGNORED_METADATA = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'selfLink'];
const IGNORED_ANNOTATIONS = [APPLIED_HASH, APPLIED_TEMPLATE_ANNOTATION, 'deployment.kubernetes.io/revision'];

/** By the comparison that decides whether the operator applies at all. */
export function fieldChanges(before: KubeObject, after: KubeObject, isSecret = false): FieldChange[] {
  const changes = changesBetween(comparable(before), comparable(after));
  return changes.toSorted((a, b) => a.path.localeCompare(b.path)).map((field) => masked(field, isSecret));
}

/** @param isSecret whether it is a field of a Secret: of its data no value is shown, nor a hint of it */
function masked({ path, before, after }: ValueChange, isSecret: boolean): FieldChange {
  const variable = /\.env\[([^\]]+)\]/.exec(path)?.[1];
  const hides = (isSecret && /^(data|stringData)\b/.test(path)) || (variable !== undefined && isTelling(variable));
  const show = (value: unknown) => (value === undefined ? undefined : hides ? MASK : maskValue(value));
  const [from, to] = [show(before), show(after)];
  return { path, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function comparable(object: KubeObject): unknown {
  const { metadata, status: _, ...content } = object as KubeObject & { status?: unknown };
  const annotations = without(metadata.annotations ?? {}, IGNORED_ANNOTATIONS);
  return { ...content, metadata: { ...without(metadata, IGNORED_METADATA), annotations } };
}

function without(map: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).filter(([name]) => !names.includes(name)));
}

const TEMPLATE = 'spec.template.';

/** Why the pods of a workload are replaced: what is changed in their template, in short. */
function restartReasons(fields: readonly FieldChange[]): string[] {
  const paths = fields.filter(({ path }) => path.startsWith(TEMPLATE)).map(({ path }) => path.slice(TEMPLATE.length));
  const reasons = paths.map((path) => {
    if (path.startsWith('metadata.annotations.orderplane.dev/config-hash')) return 'what it reads at start has changed';
    const [, variable] = /\.env\[([^\]]+)\]/.exec(path) ?? [];
    if (variable) return `variable ${variable}`;
    return path.replace(/^spec\.(init)?[cC]ontainers\[[^\]]+\]\.?/, '').replace(/^spec\./, '') || 'containers';
  });
  return [...new Set(reasons)];
}

function summaryOf(object: KubeObject): { summary?: string } {
  type Sized = { resources?: { requests?: { storage?: string } } };
  const { spec } = object as {
    spec?: {
      replicas?: number;
      template?: { spec?: { containers?: { image?: string }[] } };
      volumeClaimTemplates?: { spec?: Sized }[];
    };
  };
  const image = spec?.template?.spec?.containers?.[0]?.image;
  if (!image) return object.kind === Secrets.kind ? { summary: `values ${MASK}` } : {};
  const volumes = spec.volumeClaimTemplates?.flatMap((claim) => claim.spec?.resources?.requests?.storage ?? []) ?? [];
  const parts = [`${spec.replicas ?? 1} × ${image}`, ...volumes.map((size) => `volume of ${size}`)];
  return { summary: parts.join(', ') };
}
