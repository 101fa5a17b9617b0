/** Follows a platform: on a terminal the tree is drawn over and over, elsewhere what has changed is a line. */
import { createInformer } from '../../runtime/informer.ts';
import { realClock, sleep } from '../../runtime/clock.ts';
import type { ClusterAccess } from '../cluster.ts';
import type { Paint } from '../output.ts';
import { reportOf, type Item, type Report } from './report.ts';
import { OrderPlatforms, takeSnapshot } from './snapshot.ts';
import { causeColour, drawItem, drawTree, headline, withPath } from './tree.ts';

/** Ages grow and the operator may go, which no watch tells. */
const LOOK_AGAIN_MS = 5_000;

export interface WatchOptions {
  name: string;
  /** Asked after each look: whether that was the last one. */
  isLast(report: Report): boolean;
  /** Called with each look. */
  show(report: Report): void;
  /** Called where a look failed: it is tried again. */
  failed(error: Error): void;
  signal: AbortSignal;
}

/** Looks at a platform whenever it changes; the last report, or undefined when the signal ended it before there was one. */
export async function watchPlatform(
  { client, namespace }: Pick<ClusterAccess, 'client' | 'namespace'>,
  { name, isLast, show, failed, signal }: WatchOptions,
): Promise<Report | undefined> {
  const stop = new AbortController();
  const fieldSelector = `metadata.name=${name}`;
  const informer = createInformer(OrderPlatforms, { client, namespaces: [namespace], fieldSelector });
  let changed = Promise.withResolvers<void>();
  informer.addHandler(() => changed.resolve());
  const watching = informer.start(AbortSignal.any([signal, stop.signal]));
  let report: Report | undefined;
  try {
    while (!signal.aborted) {
      changed = Promise.withResolvers<void>();
      try {
        report = reportOf(await takeSnapshot(client, { namespace, name }));
        show(report);
        if (isLast(report)) break;
      } catch (error) {
        // The first look has to succeed: a name that is wrong will not become right.
        if (!report) throw error;
        failed(error as Error);
      }
      const pause = new AbortController();
      await Promise.race([changed.promise, sleep(realClock, LOOK_AGAIN_MS, AbortSignal.any([signal, pause.signal]))]);
      pause.abort();
    }
  } finally {
    stop.abort();
    await watching;
  }
  return report;
}

interface Terminal {
  write(text: string): unknown;
  columns?: number;
  rows?: number;
}

const ESCAPES = /\x1b\[[0-9;]*m/g; // eslint-disable-line no-control-regex

/** Draws each report over the one before. What does not fit the window is left out, or it could not be drawn over. */
export function createScreen(terminal: Terminal, paint: Paint): (report: Report, now: Date) => void {
  let drawn = 0;
  return (report, now) => {
    const width = Math.max(20, terminal.columns ?? 80);
    const height = Math.max(4, (terminal.rows ?? 24) - 1);
    const lines = drawTree(report, paint, now, width).map((line) => clip(line, width));
    const shown =
      lines.length > height ? [...lines.slice(0, height - 1), `… ${lines.length - height + 1} more`] : lines;
    const erase = drawn > 0 ? `\x1b[${drawn}A\x1b[0J` : '';
    terminal.write(`${erase}${shown.join('\n')}\n`);
    drawn = shown.length;
  };
}

/** Cuts what is visible of a line; colours take no room. */
function clip(line: string, width: number): string {
  if (line.replace(ESCAPES, '').length <= width) return line;
  let room = width - 1;
  const parts = line.split(/(\x1b\[[0-9;]*m)/); // eslint-disable-line no-control-regex
  const kept = parts.map((part) => {
    if (part.startsWith('\x1b')) return part;
    const piece = part.slice(0, room);
    room -= piece.length;
    return piece;
  });
  return `${kept.join('')}…`;
}

/** Gives the lines to print for a report: all of it at first, then what is another than before. */
export function createJournal(paint: Paint): (report: Report, now: Date) => string[] {
  let before: Map<string, string> | undefined;
  return (report, now) => {
    const entries = withPath(report.stages);
    const overall = [report.verdict, report.reason, report.cause].join('\0');
    const notes = report.notes.join('\0');
    const seen = new Map([
      ['', overall],
      ['!', notes],
      ...entries.map(({ path, item }) => [path.join('\0'), look(item)] as const),
    ]);
    const previous = before;
    before = seen;
    if (!previous) return drawTree(report, paint, now);
    const time = paint('dim', now.toISOString().slice(11, 19));
    const news = entries.filter(({ path }) => previous.get(path.join('\0')) !== seen.get(path.join('\0')));
    const lines = news.map(({ path, item }) => drawItem({ ...item, title: path.join(' › ') }, paint));
    if (previous.get('!') !== notes) lines.push(...report.notes.map((note) => `! ${note}`));
    if (previous.get('') !== overall) {
      const cause = report.cause ? `: ${paint(causeColour(report), report.cause)}` : '';
      lines.push(headline(report, paint, now) + cause);
    }
    return lines.map((line) => `${time} ${line}`);
  };
}

const look = ({ state, figure, detail }: Item) => [state, figure, detail].join('\0');
