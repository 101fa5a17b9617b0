/** The saga of an order as a tree. */
import type { Paint } from '../output.ts';
import { sagaOf, type Node, type OrderTrace, type Outcome } from './trace.ts';

const OUTCOMES: Readonly<Record<Outcome, { words: string; colour: Parameters<Paint>[0] }>> = {
  confirmed: { words: '✓ confirmed', colour: 'green' },
  cancelled: { words: '✗ cancelled', colour: 'red' },
  pending: { words: '… on its way', colour: 'yellow' },
};

const FAULTS = /_(failed|rejected)$/;

interface Row {
  branch: string;
  node: Node;
}

/** A headline, then a line for each step below what led to it: where it happened, how long after, and what it undoes. */
export function drawTrace(id: string, trace: OrderTrace, paint: Paint): string[] {
  const { outcome, durationMs, roots } = sagaOf(trace);
  const { words, colour } = OUTCOMES[outcome];
  const facts = [
    `${outcome === 'pending' ? 'for' : 'after'} ${span(durationMs)}`,
    ...(trace.traceId ? [`trace ${trace.traceId}`] : []),
    ...(trace.correlationId ? [`correlation ${trace.correlationId}`] : []),
  ];
  const rows = roots.flatMap((node) => rowsOf(node, '', ''));
  const titleWidth = Math.max(...rows.map(({ branch, node }) => branch.length + node.step.type.length), 0);
  const serviceWidth = Math.max(...rows.map(({ node }) => node.step.service.length), 0);
  return [
    `${paint('bold', `Order ${id}`)}  ${paint(colour, words)}  ${paint('dim', facts.join(' · '))}`,
    '',
    ...rows.map((row) => drawRow(row, titleWidth, serviceWidth, paint).trimEnd()),
  ];
}

function rowsOf(node: Node, branch: string, indent: string): Row[] {
  const last = node.leadsTo.length - 1;
  return [
    { branch, node },
    ...node.leadsTo.flatMap((effect, index) =>
      rowsOf(effect, `${indent}${index === last ? '└─ ' : '├─ '}`, `${indent}${index === last ? '   ' : '│  '}`),
    ),
  ];
}

function drawRow({ branch, node: { step, afterMs } }: Row, titleWidth: number, serviceWidth: number, paint: Paint) {
  const isFault = FAULTS.test(step.type);
  const title = isFault ? paint('red', step.type) : step.compensates ? paint('yellow', step.type) : step.type;
  const gap = ' '.repeat(titleWidth - branch.length - step.type.length);
  const when = afterMs === undefined ? step.occurredAt.slice(11, 23) : `+${span(afterMs)}`;
  const signs = [...(isFault ? [paint('red', '✗')] : []), ...(step.compensates ? [paint('yellow', '↩ undoes')] : [])];
  const remarks = [...signs, ...(step.detail ? [step.detail] : [])].join(' ');
  return `${paint('dim', branch)}${title}${gap}  ${step.service.padEnd(serviceWidth)}  ${when.padEnd(12)}  ${remarks}`;
}

/** As people read it: 12 ms, 1.2 s, 3 min. */
function span(milliseconds: number): string {
  if (Math.abs(milliseconds) < 1_000) return `${milliseconds} ms`;
  if (Math.abs(milliseconds) < 120_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}
