import type { KubeObject } from './resource.ts';

/** One entry of metadata.managedFields: who set which fields, and how. */
export interface ManagedFields {
  manager?: string;
  operation?: string;
  subresource?: string;
  fieldsV1?: object;
}

/** The managers of the field at a dotted path, such as `spec.replicas`. What a cache holds has them only for the paths it was told to keep. */
export function managersOf(object: KubeObject, path: string): string[] {
  const entries = object.metadata.managedFields ?? [];
  return entries.filter(({ fieldsV1 }) => hasField(fieldsV1, path)).map(({ manager = '' }) => manager);
}

/** The entries that are about one of the paths, cut down to these paths. */
export function keepManagers(entries: readonly ManagedFields[], paths: readonly string[]): ManagedFields[] {
  return entries.flatMap(({ fieldsV1, ...entry }) => {
    const kept = paths.filter((path) => hasField(fieldsV1, path));
    return kept.length > 0 ? { ...entry, fieldsV1: fieldSet(kept) } : [];
  });
}

function hasField(fields: object | undefined, path: string): boolean {
  let at: unknown = fields;
  for (const name of path.split('.')) at = (at as Record<string, unknown> | undefined)?.[`f:${name}`];
  return at !== undefined;
}

function fieldSet(paths: readonly string[]): object {
  const set: Record<string, unknown> = {};
  for (const path of paths) {
    let at = set;
    for (const name of path.split('.')) at = (at[`f:${name}`] ??= {}) as Record<string, unknown>;
  }
  return set;
}
