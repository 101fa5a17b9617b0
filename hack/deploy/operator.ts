import { join } from 'node:path';
import {
  OPERATOR_NAME,
  OPERATOR_NAMESPACE,
  operatorInstallation,
  type InstallInput,
} from '@orderplane/operator/resources/install.ts';
import {
  CustomResourceDefinitions,
  Deployments,
  isConditionTrue,
  type Client,
  type Condition,
  type Deployment,
} from '@orderplane/operator/runtime/index.ts';
import { inStep, type Progress } from '../progress.ts';
import { root } from '../root.ts';
import { applyManifests, readManifests } from './manifests.ts';
import { removeRights, surplusRights } from './rights.ts';
import { until } from './until.ts';

const PATIENCE_MS = 120_000;

/**
 * Applies the CRDs and the operator, and waits until this very version of it serves. Does nothing to one that is already so. Rights that
 * another installation had, and this one has not, are taken back.
 */
export async function installOperator(
  client: Client,
  input: InstallInput,
  report: Progress,
  signal?: AbortSignal,
): Promise<void> {
  await inStep(report, 'operator installed', async (step) => {
    step.update('custom resources');
    const crds = await readManifests(join(root, 'crds'));
    await applyManifests(client, crds, signal);
    for (const { metadata } of crds) {
      await until(`${metadata.name} is served`, PATIENCE_MS, signal, async () => {
        const crd = await client.get(CustomResourceDefinitions, { namespace: '', name: metadata.name }, { signal });
        return isConditionTrue((crd?.status?.conditions ?? []) as Condition[], 'Established')
          ? true
          : `it is not Established yet`;
      });
    }
    step.update('deployment');
    await applyManifests(client, operatorInstallation(input), signal);
    await removeRights(client, await surplusRights(client, input.namespaces));
    await until('the operator is available', PATIENCE_MS, signal, async () => {
      const key = { namespace: OPERATOR_NAMESPACE, name: OPERATOR_NAME };
      return rolledOut(await client.get(Deployments, key, { signal }));
    });
  });
}

/** True once every pod is of the present template and available; else what it waits for. */
function rolledOut(deployment: Deployment | undefined): true | string {
  const { status, spec, metadata } = deployment ?? {};
  if (!status || status.observedGeneration !== metadata?.generation) return 'its Deployment has not been looked at yet';
  const { updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = status;
  const wanted = spec?.replicas ?? 1;
  if (updatedReplicas === wanted && availableReplicas === wanted && replicas === wanted) return true;
  return `${availableReplicas} of ${wanted} pods are available: kubectl -n ${OPERATOR_NAMESPACE} describe pods tells why`;
}
