/** A plan as text. */
import { count, type Paint } from '../output.ts';
import type { Change, FieldChange } from './changes.ts';
import type { Run } from './runs.ts';

export interface Plan {
  namespace: string;
  name: string;
  /** What it was worked out against: a live cluster, or nothing. */
  against: string;
  changes: Change[];
  runs: Run[];
  /** Whether the platform would become Ready. */
  ready: boolean;
  /** What it would wait for. */
  waitsFor?: string;
  /** What a person should know of how this came about. */
  notes: string[];
}

export function hasChanges({ changes, runs }: Plan): boolean {
  return changes.length + runs.length > 0;
}

const SIGNS = { create: '+', update: '~', delete: '-' } as const;
const COLOURS = { create: 'green', update: 'yellow', delete: 'red' } as const;

export function drawPlan(plan: Plan, paint: Paint): string[] {
  const { namespace, name, against, ready, waitsFor, notes } = plan;
  const title = paint('bold', `Plan for OrderPlatform ${namespace}/${name}`);
  const head = `${title} ${paint('dim', `(${against})`)}`;
  const then = hasChanges(plan) ? 'Then it would not be Ready' : 'It is not Ready';
  const outcome = ready ? [] : [paint('yellow', `${then}: ${waitsFor}`)];
  const remarks = notes.map((note) => paint('yellow', `! ${note}`));
  if (!hasChanges(plan)) return [head, '', 'No changes: everything is as it is to be.', ...outcome, ...remarks];
  return [head, ...drawSteps(plan, paint), '', summary(plan, paint), ...outcome, ...remarks];
}

function drawSteps({ changes, runs }: Plan, paint: Paint): string[] {
  const steps = [...new Set([...changes, ...runs].map(({ step }) => step))].toSorted((a, b) => a - b);
  return steps.flatMap((step, i) => [
    '',
    ...(i > 0 ? [paint('dim', 'and once that is done')] : []),
    ...changes.filter((change) => change.step === step).flatMap((change) => drawChange(change, paint)),
    ...runs.filter((run) => run.step === step).flatMap((run) => drawRun(run, paint)),
  ]);
}

function drawChange({ action, kind, name, fields, summary, restarts }: Change, paint: Paint): string[] {
  const head = `  ${paint(COLOURS[action], `${SIGNS[action]} ${kind} ${name}`)}`;
  return [
    summary ? `${head}  ${paint('dim', summary)}` : head,
    ...fields.map((field) => `      ${drawField(field, paint)}`),
    ...(restarts ? [`      ${paint('yellow', `replaces its pods: ${restarts.join(', ')}`)}`] : []),
  ];
}

function drawField(field: FieldChange, paint: Paint): string {
  const [from, to] = [inline(field.from), inline(field.to)];
  if (!('from' in field)) return `${field.path}: ${paint('green', to)}`;
  if (!('to' in field)) return `${field.path}: ${paint('red', from)} → nothing`;
  return `${field.path}: ${paint('red', from)} → ${paint('green', to)}`;
}

const MAX_VALUE = 160;

function inline(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE - 1)}…` : text;
}

function drawRun({ purpose, of, detail, findings = [] }: Run, paint: Paint): string[] {
  return [
    `  ${paint('cyan', `▸ run ${purpose}`)} for ${of}${detail ? `  ${paint('dim', detail)}` : ''}`,
    ...findings.map(({ file, line, severity, rule, statement }) =>
      paint('yellow', `      ${file}:${line}  ${severity}  ${rule}  ${statement}`),
    ),
  ];
}

function summary({ changes, runs }: Plan, paint: Paint): string {
  const of = (action: Change['action']) => changes.filter((change) => change.action === action).length;
  const restarting = changes.filter(({ restarts }) => restarts).map(({ name }) => name);
  const counts = [
    [of('create'), 'to create'],
    [of('update'), 'to change'],
    [of('delete'), 'to delete'],
  ] as const;
  const parts = [
    ...counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`),
    ...(runs.length > 0 ? [`${count(runs.length, 'Job')} to run`] : []),
    restarting.length > 0 ? `pods replaced of ${restarting.join(', ')}` : 'no pod is replaced',
  ];
  return paint('bold', parts.join(', '));
}
