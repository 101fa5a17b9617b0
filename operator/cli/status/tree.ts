/** A report as lines for people. */
import { age, type Paint } from '../output.ts';
import type { Item, Report, State, Verdict } from './report.ts';

export const SIGNS: Readonly<Record<State, string>> = {
  ok: '✓',
  failed: '✗',
  waiting: '…',
  pending: '○',
  unasked: '–',
};
export const COLOURS = { ok: 'green', failed: 'red', waiting: 'yellow', pending: 'dim', unasked: 'dim' } as const;

const VERDICTS: Readonly<Record<Verdict, { state: State; words: string }>> = {
  Ready: { state: 'ok', words: 'Ready' },
  NotReady: { state: 'waiting', words: 'not Ready' },
  Stalled: { state: 'failed', words: 'Stalled' },
  Suspended: { state: 'unasked', words: 'suspended' },
  Deleting: { state: 'waiting', words: 'being deleted' },
  Unseen: { state: 'pending', words: 'not looked at yet' },
};

/** The first line: which platform, how it stands, and since when. */
export function headline(report: Report, paint: Paint, now: Date): string {
  const { namespace, name, verdict, reason, since, version, profile, services, url } = report;
  const { words } = VERDICTS[verdict];
  const state = stateOf(report);
  const why = verdict === 'NotReady' || verdict === 'Stalled' ? ` (${reason})` : '';
  const isDated = since && verdict !== 'Unseen' && verdict !== 'Deleting' && verdict !== 'Suspended';
  const facts = [
    ...(isDated ? [`for ${age(now.getTime() - Date.parse(since))}`] : []),
    ...(services ? [`${services} services`] : []),
    ...(version ? [`release ${version}`] : []),
    `profile ${profile}`,
    ...(url ? [url] : []),
  ];
  const verdictText = paint(COLOURS[state], `${SIGNS[state]} ${words}${why}`);
  return `${paint('bold', `OrderPlatform ${namespace}/${name}`)}  ${verdictText}  ${paint('dim', facts.join(' · '))}`;
}

/** The whole tree: what is in the way first, then every stage with its parts. @param width where to break the cause into lines */
export function drawTree(report: Report, paint: Paint, now: Date, width = Infinity): string[] {
  const lines = (text: string) => wrapped(text, width - 2).map((line) => `  ${line}`);
  const cause = report.cause ? ['', ...lines(report.cause).map((line) => paint(causeColour(report), line))] : [];
  const notes = report.notes.flatMap((note) => lines(`! ${note}`)).map((line) => paint('yellow', line));
  const blank = cause.length + notes.length > 0 ? [''] : [];
  return [headline(report, paint, now), ...cause, ...notes, ...blank, ...drawItems(shortened(report), '', paint)];
}

/** Broken between words; a word that is too long stays whole. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Below the cause, lines need not repeat it, nor what one of their own parts says. */
export function shortened({ cause, stages }: Report): Item[] {
  const shorten = (item: Item): Item => {
    const told = [cause, ...item.children.map(({ detail }) => detail)].filter((text) => text && text.length > 20);
    const detail = told.reduce<string>((text, part) => text.replace(part ?? '', '').replace(/:\s*$/, ''), item.detail ?? ''); // prettier-ignore
    const isCause = item.detail && item.state !== 'ok' && cause?.endsWith(item.detail) && item.children.length === 0;
    return { ...item, detail: isCause ? 'as said above' : detail, children: item.children.map(shorten) };
  };
  return stages.map(shorten);
}

export function causeColour(report: Report) {
  return COLOURS[stateOf(report)];
}

/** What is not Ready is only on its way, unless a part of it fails. */
function stateOf({ verdict, stages }: Report): State {
  const { state } = VERDICTS[verdict];
  return state === 'waiting' && stages.some((stage) => stage.state === 'failed') ? 'failed' : state;
}

function drawItems(items: readonly Item[], indent: string, paint: Paint): string[] {
  const titles = Math.max(0, ...items.map(({ title }) => title.length));
  const figures = Math.max(0, ...items.map(({ figure = '' }) => figure.length));
  return items.flatMap((item, i) => {
    const isLast = i === items.length - 1;
    const branch = paint('dim', `${indent}${isLast ? '└─' : '├─'}`);
    const line = drawItem(item, paint, { titles, figures });
    return [`${branch} ${line}`, ...drawItems(item.children, `${indent}${isLast ? '   ' : '│  '}`, paint)];
  });
}

/** One line by itself, or in columns with its neighbours. */
export function drawItem(item: Item, paint: Paint, width = { titles: 0, figures: 0 }): string {
  const { state, title, figure = '', detail = '' } = item;
  const columns = [title.padEnd(width.titles), figure.padEnd(width.figures)].filter((column) => column !== '');
  const isBad = state === 'failed' || state === 'waiting';
  const text = isBad ? detail : paint('dim', detail);
  return [paint(COLOURS[state], SIGNS[state]), [...columns, text].join('  ')].join(' ').trimEnd();
}

/** Every line of the tree with the titles on the way to it. */
export function withPath(items: readonly Item[], above: readonly string[] = []): { path: string[]; item: Item }[] {
  return items.flatMap((item) => {
    const path = [...above, item.title];
    return [{ path, item }, ...withPath(item.children, path)];
  });
}

/** What is not well, at its root: the parts of a stage instead of the stage, where it has such. */
export function faultsOf(items: readonly Item[]): { path: string[]; item: Item }[] {
  const isBad = ({ state }: Item) => state === 'failed' || state === 'waiting';
  return withPath(items).filter(({ item }) => isBad(item) && !item.children.some(isBad));
}
