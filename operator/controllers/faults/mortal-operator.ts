/** An operator that a fault strikes at one of its writes. */
import { dirname } from 'node:path';
import { startApiGate, type ApiGate, type Fault, type Write } from '../testing/api-gate.ts';
import type { RunningOperator, TestCluster } from '../testing/cluster.ts';

export interface MortalOperator {
  hasStruck(): boolean;
  idle(): Promise<void>;
  /** Returns when nothing of it runs any more, nor of the one that took its place. */
  end(): Promise<void>;
}

/**
 * An operator of one namespace, behind a gate; when it has died, another one takes its place, as a Deployment would see to it.
 * @param writes what they wrote is added here
 */
export async function startMortalOperator(
  { operatorKubeconfig: kubeconfig, startOperator }: Pick<TestCluster, 'operatorKubeconfig' | 'startOperator'>,
  namespace: string,
  writes: Write[],
  fault: Fault | undefined,
): Promise<MortalOperator> {
  const start = async (next: Fault | undefined): Promise<{ gate: ApiGate; operator: RunningOperator }> => {
    const gate = await startApiGate({ kubeconfig, folder: dirname(kubeconfig), writes, fault: next });
    return { gate, operator: startOperator({}, undefined, { kubeconfig: gate.kubeconfig, namespaces: [namespace] }) };
  };
  const dead: Promise<void>[] = [];
  let isEnding = false;
  let living = await start(fault);
  const { gate: first } = living;
  const die = async () => {
    const { gate, operator } = living;
    await gate.cut();
    dead.push(operator.kill());
    await operator.close();
  };
  const replaced = first.struck.then(async () => {
    if (fault?.kind === 'losesAnswer') return;
    await die();
    if (!isEnding) living = await start(undefined);
  });
  return {
    hasStruck: first.hasStruck,
    idle: () => living.operator.idle(),
    async end() {
      if (first.hasStruck()) await replaced;
      isEnding = true;
      await die();
      // It may have struck only now, at an answer that was still awaited.
      if (first.hasStruck()) await replaced;
      await Promise.all(dead);
    },
  };
}
