/** Fields by their path: `services[].env[].value` is the value of any variable of any service. */

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
}

/** Every leaf of a structural schema: what a user writes a value for. A list of values is one leaf. */
export function leavesOf(schema: Schema, path = ''): string[] {
  const at = (name: string) => (path ? `${path}.${name}` : name);
  if (schema.properties && Object.keys(schema.properties).length > 0) {
    return Object.entries(schema.properties).flatMap(([name, property]) => leavesOf(property, at(name)));
  }
  if (schema.items?.properties && Object.keys(schema.items.properties).length > 0)
    return leavesOf(schema.items, `${path}[]`);
  return [path];
}

type Tree = Record<string, unknown>;

/** A copy with the field set, or taken away by undefined, in the first place that has it, or (`add`) could; undefined where there is none. */
export function withField(spec: object, path: string, value: unknown, add = false): object | undefined {
  const copy = structuredClone(spec) as Tree;
  const parent = placeOf(copy, path.split('.'), add);
  if (!parent) return undefined;
  const leaf = path.slice(path.lastIndexOf('.') + 1);
  if (value === undefined) delete parent[leaf];
  else parent[leaf] = value;
  return copy;
}

/** The object that has the field; of a list, the first entry in which the rest of the path leads to it. */
function placeOf(value: unknown, [step = '', ...rest]: string[], add: boolean): Tree | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const tree = value as Tree;
  if (rest.length === 0) return add || step in tree ? tree : undefined;
  if (!step.endsWith('[]')) return placeOf(tree[step], rest, add);
  const entries = tree[step.slice(0, -2)];
  for (const entry of Array.isArray(entries) ? entries : []) {
    const place = placeOf(entry, rest, add);
    if (place) return place;
  }
  return undefined;
}

/** The first sample that has the field, with it set; the samples' names where none has. */
export function sampleWith(
  samples: Readonly<Record<string, object>>,
  path: string,
  value: unknown,
): { sample: string; spec: object } {
  for (const [sample, before] of Object.entries(samples)) {
    const spec = withField(before, path, value);
    if (spec) return { sample, spec };
  }
  throw new Error(`no sample has ${path}: set it in one of ${Object.keys(samples).join(', ')} (samples.ts)`);
}
