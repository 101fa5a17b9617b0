import { createClient, defineResource, type Client, type KubeObject } from '@orderplane/operator/runtime/index.ts';
import { inStep } from '../progress.ts';
import type { ClusterProvider } from './cluster.ts';
import { userKubeconfigPath } from './kubeconfig.ts';

interface AccessReview extends KubeObject {
  spec: { resourceAttributes: object };
  status?: { allowed: boolean };
}

const AccessReviews = defineResource<AccessReview>(
  'authorization.k8s.io/v1',
  'SelfSubjectAccessReview',
  'selfsubjectaccessreviews',
  { namespaced: false },
);

/** What it takes to install the operator. */
const NEEDED_RIGHTS = [
  { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions', verb: 'create' },
  { group: 'rbac.authorization.k8s.io', resource: 'clusterroles', verb: 'create' },
  { group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings', verb: 'create' },
  { group: '', resource: 'namespaces', verb: 'create' },
  { group: 'apps', resource: 'deployments', verb: 'create' },
];

/** A cluster that is there already, by the name of its context in the user's kubeconfig. It is never changed here. */
export function contextProvider(context: string, kubeconfigPath = userKubeconfigPath()): ClusterProvider {
  const connect = () => createClient({ kubeconfig: { path: kubeconfigPath, context } });
  return {
    name: 'context',
    async up(options, report) {
      if (options.tier === 'control-plane')
        throw new Error('a tier can be chosen for the embedded cluster only, not for a context');
      await inStep(report, `cluster of context ${context}`, async () => {
        const client = connect();
        try {
          await checkReachable(client, context);
          await checkRights(client, context);
        } finally {
          await client.close();
        }
      });
      return { name: context, kubeconfigPath, context, importImages: () => Promise.resolve() };
    },
    down: () => Promise.resolve(),
    async status() {
      const client = connect();
      const problem = await checkReachable(client, context).then(() => undefined, (error: Error) => error.message); // prettier-ignore
      await client.close();
      return {
        name: context,
        provider: 'context',
        phase: problem === undefined ? 'ready' : 'failed',
        message: problem ?? 'reachable',
        context,
        components: [],
        forwards: [],
      };
    },
  };
}

async function checkReachable(client: Client, context: string): Promise<void> {
  try {
    await client.raw('/readyz', { signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    throw new Error(`the cluster of context "${context}" cannot be reached: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function checkRights(client: Client, context: string): Promise<void> {
  const missing: string[] = [];
  for (const resourceAttributes of NEEDED_RIGHTS) {
    const review = await client.create(AccessReviews, { metadata: { name: '' }, spec: { resourceAttributes } });
    if (!review.status?.allowed) missing.push(`${resourceAttributes.verb} ${resourceAttributes.resource}`);
  }
  if (missing.length > 0) throw new Error(`the user of context "${context}" may not: ${missing.join(', ')}`);
}
