/** What containers take of the node's memory, by the kubelet. */
import { Nodes, type Client } from '@orderplane/operator/runtime/index.ts';

interface Summary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly containers?: readonly { readonly memory?: { readonly workingSetBytes?: number } }[];
  }[];
}

/** Of every pod of a namespace, in MiB. */
export async function memoryOf(client: Client, namespace: string): Promise<Map<string, number>> {
  const { items } = await client.list(Nodes, {});
  const summaries = items.map(({ metadata }) => client.raw(`/api/v1/nodes/${metadata.name}/proxy/stats/summary`));
  const pods = (await Promise.all(summaries)).flatMap((text) => (JSON.parse(text) as Summary).pods);
  const own = pods.filter(({ podRef }) => podRef.namespace === namespace);
  return new Map(
    own.map(({ podRef, containers = [] }) => {
      const bytes = containers.reduce((sum, { memory }) => sum + (memory?.workingSetBytes ?? 0), 0);
      return [podRef.name, Math.round(bytes / 2 ** 20)];
    }),
  );
}
