import { isSameQuantity } from './quantity.ts';

/** A field in which a stored object falls short of the desired one. */
export interface Difference {
  path: string;
  desired: unknown;
  actual: unknown;
}

type Fields = Record<string, unknown>;

/**
 * The keys by which the API server merges lists, by the list's field name (the x-kubernetes-list-map-keys of the built-in
 * types). Lists that are not named here are atomic: they must be equal, element by element.
 */
const LIST_KEYS: Record<string, string[]> = {
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  imagePullSecrets: ['name'],
  claims: ['name'],
  secrets: ['name'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
  hostAliases: ['ip'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
  conditions: ['type'],
  ownerReferences: ['uid'],
};
const CONTAINER_PORT_KEYS = ['containerPort', 'protocol'];
const SERVICE_PORT_KEYS = ['port', 'protocol'];
const KEY_DEFAULTS: Fields = { protocol: 'TCP' };

/** Lists of scalars that others may add to. */
const SETS = new Set(['finalizers']);

/** Maps that belong to one owner as a whole (x-kubernetes-map-type: atomic): an entry too many is a difference. */
const ATOMIC_MAPS = new Set([
  'selector',
  'nodeSelector',
  'podSelector',
  'namespaceSelector',
  'labelSelector',
  'matchLabels',
]);

/** The API server drops these maps when they are empty; other empty maps (`emptyDir: {}`) mean something. */
const DROPPED_IF_EMPTY = new Set([
  'labels',
  'annotations',
  'nodeSelector',
  'matchLabels',
  'data',
  'limits',
  'requests',
]);

/** Not pointers in the API's types: the server drops these fields when they are false, 0 or "". */
const DROPPED_IF_ZERO = new Set([
  'value',
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'readOnly',
  'stdin',
  'stdinOnce',
  'tty',
  'paused',
  'minReadySeconds',
  'initialDelaySeconds',
  'publishNotReadyAddresses',
]);

const QUANTITY_MAPS = new Set(['limits', 'requests', 'capacity', 'hard']);
const QUANTITY_FIELDS = new Set(['sizeLimit', 'divisor', 'averageValue']);

/**
 * Where `actual` lacks or contradicts what `desired` says. Fields that `desired` does not mention do not count, nor does
 * what the API server does to a value when it stores it: canonical quantities, empty lists and zero values left out,
 * defaulted fields added to list elements.
 */
export function differences(desired: unknown, actual: unknown): Difference[] {
  const found: Difference[] = [];
  compareValue(desired, actual, { path: '', field: '', parent: '' }, found);
  return found;
}

/** A field that differs between two values; undefined where it is not there. */
export interface ValueChange {
  path: string;
  before: unknown;
  after: unknown;
}

/** What makes another value of one, looked at from both sides: what is added or set, then what is gone. */
export function changesBetween(before: unknown, after: unknown): ValueChange[] {
  const set = differences(after, before).map(({ path, desired, actual }) => ({ path, before: actual, after: desired }));
  const paths = new Set(set.map(({ path }) => path));
  // A part that is gone as a whole was found from the other side, field by field, where it is there.
  const gone = differences(before, after)
    .filter(({ path, actual }) => actual === undefined && !paths.has(path))
    .map(({ path, desired }) => ({ path, before: desired, after: undefined }));
  return [...set, ...gone];
}

/** Whether the list at a dotted path of `actual` has entries that the one in `desired` does not. */
export function hasForeignEntries(desired: unknown, actual: unknown, path: string): boolean {
  const wanted = asList(valueAt(desired, path));
  const present = asList(valueAt(actual, path));
  if (present.length > wanted.length) return true;
  const keys = listKeys(path.slice(path.lastIndexOf('.') + 1), [...wanted, ...present]);
  if (!keys) return false;
  const known = new Set(wanted.map((entry) => keyOfEntry(entry, keys)));
  return present.some((entry) => !known.has(keyOfEntry(entry, keys)));
}

/** The value at a dotted path of field names. */
export function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => (isMap(inner) ? inner[name] : undefined), value);
}

interface Place {
  path: string;
  field: string;
  parent: string;
}

function compareValue(desired: unknown, actual: unknown, place: Place, found: Difference[]): void {
  if (desired === undefined || desired === null || desired === actual) return;
  if (actual === undefined || actual === null) {
    if (!isDropped(desired, place.field)) found.push({ path: place.path, desired, actual: undefined });
  } else if (Array.isArray(desired) && Array.isArray(actual)) {
    compareLists(desired, actual, place, found);
  } else if (isMap(desired) && isMap(actual)) {
    compareMaps(desired, actual, place, found);
  } else if (!isSameScalar(desired, actual, place)) {
    found.push({ path: place.path, desired, actual });
  }
}

function compareMaps(desired: Fields, actual: Fields, place: Place, found: Difference[]): void {
  for (const field in desired) {
    const path = place.path === '' ? field : `${place.path}.${field}`;
    compareValue(desired[field], actual[field], { path, field, parent: place.field }, found);
  }
  if (!ATOMIC_MAPS.has(place.field)) return;
  for (const field in actual) {
    if (!(field in desired)) found.push({ path: `${place.path}.${field}`, desired: undefined, actual: actual[field] });
  }
}

function compareLists(desired: unknown[], actual: unknown[], place: Place, found: Difference[]): void {
  if (SETS.has(place.field)) {
    const missing = desired.filter((entry) => !actual.includes(entry));
    if (missing.length > 0) found.push({ path: place.path, desired: missing, actual });
    return;
  }
  const keys = listKeys(place.field, desired);
  if (keys) {
    const present = new Map(actual.map((entry) => [keyOfEntry(entry, keys), entry]));
    for (const entry of desired) {
      const key = keyOfEntry(entry, keys);
      compareValue(entry, present.get(key), { ...place, path: `${place.path}[${key}]` }, found);
    }
  } else if (desired.length === actual.length) {
    desired.forEach((entry, i) => compareValue(entry, actual[i], { ...place, path: `${place.path}[${i}]` }, found));
  } else {
    found.push({ path: place.path, desired, actual });
  }
}

function listKeys(field: string, entries: unknown[]): string[] | undefined {
  const [first] = entries;
  if (!isMap(first)) return undefined;
  if (field === 'ports') return 'containerPort' in first ? CONTAINER_PORT_KEYS : SERVICE_PORT_KEYS;
  return LIST_KEYS[field];
}

function keyOfEntry(entry: unknown, keys: string[]): string {
  return keys.map((key) => String((isMap(entry) ? entry[key] : undefined) ?? KEY_DEFAULTS[key])).join('/');
}

function isSameScalar(desired: unknown, actual: unknown, { field, parent }: Place): boolean {
  if (isMap(desired) || isMap(actual)) return false;
  // An int-or-string may come back as the other.
  if (typeof desired !== typeof actual && String(desired) === String(actual)) return true;
  if (QUANTITY_MAPS.has(parent) || QUANTITY_FIELDS.has(field)) return isSameQuantity(desired, actual);
  return false;
}

function isDropped(desired: unknown, field: string): boolean {
  if (Array.isArray(desired)) return desired.length === 0;
  if (isMap(desired)) {
    const values = Object.values(desired).filter((value) => value !== undefined && value !== null);
    return values.length === 0 && DROPPED_IF_EMPTY.has(field);
  }
  return !desired && DROPPED_IF_ZERO.has(field);
}

/** Whether a value has named fields: neither a list nor a scalar. */
export function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
