/** What is written while scenarios run, one JSON line each: connections of the node's pods, and what says who they were and what they might. */
import { readFile } from 'node:fs/promises';
import type { KubeObject, NetworkPolicy, Pod } from '@orderplane/operator/runtime/index.ts';

/** A new connection, as the kernel tracked it. */
export interface Flow {
  protocol: 'TCP' | 'UDP';
  from: string;
  /** Where it came to: a pod, where a Service was asked for. */
  to: string;
  port: number;
}

export type FlowLogEntry = { at: number } & (
  | { flow: Flow }
  | { pod: Pod; isGone?: boolean }
  | { policy: NetworkPolicy; isGone?: boolean }
  | { namespace: KubeObject; isGone?: boolean }
);

const LINE =
  /^\s*(?:\[NEW\])?\s*(tcp|udp) .*?src=(\S+) dst=\S+ sport=\d+ dport=\d+ .*?src=(\S+) dst=\S+ sport=(\d+) dport=\d+/;

/** Reads a line of `conntrack --event`; undefined for what is neither TCP nor UDP. */
export function parseFlow(line: string): Flow | undefined {
  const [, protocol, from, to, port] = LINE.exec(line) ?? [];
  if (!protocol || !from || !to) return undefined;
  return { protocol: protocol === 'tcp' ? 'TCP' : 'UDP', from, to, port: Number(port) };
}

export async function readFlowLog(path: string): Promise<FlowLogEntry[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as FlowLogEntry);
}
