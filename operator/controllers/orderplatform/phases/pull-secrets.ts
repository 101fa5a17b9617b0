import { Secrets } from '../../../runtime/index.ts';
import type { Deps } from '../../deps.ts';
import { FAULT_POLL_MS, stalled, waiting, type Fact } from '../../fact.ts';
import type { Scope } from '../scope.ts';

const PULL_SECRET_TYPES = ['kubernetes.io/dockerconfigjson', 'kubernetes.io/dockercfg'];

/**
 * What is wrong with the first pull secret that is none. The kubelet would pull without it and only say that the image cannot be had.
 * They are the user's own, so not watched: each visit reads them.
 */
export async function pullSecretFault({ client }: Deps, { platform, signal }: Scope): Promise<Fact | undefined> {
  for (const name of platform.pullSecrets) {
    const secret = await client.get(Secrets, { namespace: platform.namespace, name }, { signal });
    if (!secret) {
      const remedy = `create it with kubectl create secret docker-registry, or take it out of spec.images.pullSecrets`;
      return waiting('PullSecretMissing', `pull secret ${name} does not exist: ${remedy}`, FAULT_POLL_MS);
    }
    if (!PULL_SECRET_TYPES.includes(secret.type ?? '')) {
      const message = `Secret ${name} in spec.images.pullSecrets is of type ${secret.type}, and not ${PULL_SECRET_TYPES[0]}`;
      return stalled('InvalidPullSecret', message, FAULT_POLL_MS);
    }
  }
  return undefined;
}
