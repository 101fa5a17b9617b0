import { referencesOf, type ReferencedData } from '../../../resources/environment.ts';
import { ConfigMaps, Secrets } from '../../../runtime/index.ts';
import type { Deps } from '../../deps.ts';
import { all } from '../../ensure.ts';
import type { Scope } from '../scope.ts';

/** Reads the Secrets and ConfigMaps that the env of services refers to. They are the user's own, so not watched: each visit reads them. */
export async function readReferences({ client }: Deps, { platform, signal }: Scope): Promise<ReferencedData> {
  const { namespace } = platform;
  const found: Record<string, Readonly<Record<string, string>>> = {};
  const named = new Map(
    platform.services.flatMap(referencesOf).map(({ kind, name }) => [`${kind}/${name}`, { kind, name }]),
  );
  await all([...named], async ([id, { kind, name }]) => {
    const resource = kind === 'Secret' ? Secrets : ConfigMaps;
    const object = await client.get<{ metadata: { name: string }; data?: Record<string, string> }>(
      resource,
      { namespace, name },
      { signal },
    );
    if (object) found[id] = object.data ?? {};
  });
  return found;
}
