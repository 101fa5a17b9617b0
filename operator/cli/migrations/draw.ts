/** Migrations as text. */
import { age, count, type Paint } from '../output.ts';
import { COLOURS, SIGNS } from '../status/tree.ts';
import type { MigrationReport } from './report.ts';

type Row = readonly string[];

/** One line a Migration. @param namespaced whether it is said where each is */
export function drawTable(reports: readonly MigrationReport[], paint: Paint, now: Date, namespaced = false): string[] {
  const place = (text: string): string[] => (namespaced ? [text] : []);
  const head = [...place('NAMESPACE'), 'NAME', 'ENGINE', 'DATABASE', 'VERSION', 'PENDING', 'STATE', 'LAST RUN'];
  const rows = reports.map((report) => {
    const { namespace, name, engine, database, currentVersion = '–', pending, reason, state } = report;
    const status = `${SIGNS[state]} ${reason}`;
    return [
      ...place(namespace),
      name,
      engine,
      database,
      currentVersion,
      String(pending.length),
      status,
      lastRun(report, now),
    ];
  });
  const stateColumn = head.indexOf('STATE');
  const [title = '', ...lines] = aligned([head, ...rows]);
  return [
    paint('bold', title),
    ...lines.map((line, i) => {
      const status = rows[i]?.[stateColumn] ?? '';
      return line.replace(status, paint(COLOURS[reports[i]?.state ?? 'ok'], status));
    }),
  ];
}

/** Everything of one Migration: how it stands, what was applied, what would be, and how to have it. */
export function drawMigration(report: MigrationReport, paint: Paint, now: Date): string[] {
  const { namespace, name, engine, database, mode, state, reason, message, since, source, currentVersion } = report;
  const facts = [
    ...(since ? [`for ${age(now.getTime() - Date.parse(since))}`] : []),
    `${engine}/${database} ${currentVersion ?? 'without migrations'}`,
    ...(mode === 'Plan' ? ['plans only'] : []),
    ...(source ? [`from ${source}`] : []),
    ...(report.run ? [`last run ${lastRun(report, now)}`] : []),
  ];
  const title = paint('bold', `Migration ${namespace}/${name}`);
  return [
    `${title}  ${paint(COLOURS[state], `${SIGNS[state]} ${reason}`)}  ${paint('dim', facts.join(' · '))}`,
    ...(message && state !== 'ok' ? ['', `  ${paint(COLOURS[state], withoutCommand(message, report))}`] : []),
    ...drawApplied(report, paint),
    ...drawPending(report, paint),
    ...drawApproval(report, paint),
  ];
}

/** What to type has a place of its own. */
function withoutCommand(message: string, { approve }: MigrationReport): string {
  return approve ? message.replace(/\s*To approve it: .*$/, '') : message;
}

function lastRun({ run }: MigrationReport, now: Date): string {
  if (!run) return '–';
  const { number, outcome, reason, finishedAt } = run;
  const end = finishedAt ? `, ${age(now.getTime() - Date.parse(finishedAt))} ago` : '';
  return `#${number} ${outcome === 'Succeeded' ? 'succeeded' : (reason ?? 'failed')}${end}`;
}

function drawApplied({ applied }: MigrationReport, paint: Paint): string[] {
  if (applied.length === 0) return [];
  const rows = applied.map(({ version, name, appliedAt, durationMs }) => [
    `  ${version}_${name}`,
    appliedAt?.replace('T', ' ').replace(/(\.\d+)?Z$/, '') ?? '',
    `${durationMs} ms`,
  ]);
  return ['', paint('bold', 'Applied'), ...aligned(rows)];
}

function drawPending({ plan, planHash, pending }: MigrationReport, paint: Paint): string[] {
  if (!plan) return pending.length > 0 ? ['', paint('bold', 'Pending'), ...pending.map((file) => `  ${file}`)] : [];
  const { direction, findings, leftOut } = plan;
  const files = plan.pending.flatMap((file) => {
    const found = findings.filter((finding) => finding.file === file);
    const rows = found.map(({ line, severity, rule, statement }) => [`    line ${line}`, severity, rule, statement]);
    return [`  ${file}`, ...aligned(rows).map((row) => paint('yellow', row))];
  });
  const more = leftOut
    ? [paint('dim', `  and ${count(leftOut.pending, 'more file')}, ${count(leftOut.findings, 'more finding')}`)]
    : [];
  const what = direction === 'Up' ? 'would apply' : 'would undo by';
  return ['', `${paint('bold', `Plan ${planHash ?? ''}`)} ${what}`, ...files, ...more];
}

function drawApproval({ approve, namespace, name, planHash }: MigrationReport, paint: Paint): string[] {
  if (!approve) return [];
  const own = `orderplane migrations ${name} -n ${namespace} --approve ${planHash}`;
  return ['', paint('bold', 'To approve this plan, and no other'), `  ${own}`, `  ${approve}`];
}

/** Columns two spaces apart, each as wide as its widest text. */
function aligned(rows: readonly Row[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ').trimEnd());
} // prettier-ignore
