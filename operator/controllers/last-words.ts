const MAX_WORDS = 400;

/** pino's numbers; everything below is no reason for an end. */
const WARN = 40;
const ERROR = 50;
const LEVELS: Readonly<Record<string, number>> = { warn: WARN, warning: WARN, error: ERROR, fatal: 60, critical: 60 };

/** A line that says what went wrong, in programs that do not log JSON. */
const FAULT_LINE = /\b(error|exception|fatal|panic|fail(ed|ure)?|cannot|could not|denied|refused|invalid|missing)\b/i;
/** Follows the head of a stack: JavaScript and Java, Go, Python. */
const STACK_FRAME = /^(at\s|goroutine \d|\.\.\. \d+ more|File ".*", line \d|node:internal|\^+$)/;

interface Entry {
  text: string;
  level: number;
}

/**
 * What a program said at last of what went wrong: its last entry at error level, else its last warning. Of plain text, the head of its
 * last stack, the last line that names a fault, or just the last lines. Nothing where all that it said is chatter: an arbitrary debug
 * line explains nothing.
 * @param mask applied before a long message is cut: what is left of a password is no longer known as one
 */
export function lastWords(log: string, mask = (text: string) => text): string {
  const lines = log
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const entries = lines.map(parseEntry);
  const plain = lines.filter((_, i) => entries[i] === undefined);
  const logged = entries.filter((entry) => entry !== undefined);
  const error = logged.findLast(({ level }) => level >= ERROR);
  const warning = logged.findLast(({ level }) => level >= WARN);
  const hasLogs = logged.length > 0;
  const words = mask(error?.text ?? faultLine(plain) ?? warning?.text ?? (hasLogs ? '' : plain.slice(-4).join(' ')));
  return words.length > MAX_WORDS ? `…${words.slice(-MAX_WORDS)}` : words;
}

function faultLine(lines: readonly string[]): string | undefined {
  const frame = lines.findLastIndex((line) => STACK_FRAME.test(line));
  // Python ends its stack with the error; the others begin with it.
  const tail = lines.slice(frame + 1).find((line) => FAULT_LINE.test(line) || /^\w+Error\b/.test(line));
  const isPython = lines.some((line) => line.startsWith('Traceback (most recent call last)'));
  if (frame >= 0 && !isPython) {
    const head = lines.slice(0, frame).findLast((line) => !STACK_FRAME.test(line) && isTelling(line));
    if (head) return head;
  }
  return tail ?? lines.findLast((line) => FAULT_LINE.test(line) || isTelling(line));
}

/** `TypeError: x is not a function`, but neither `Node.js v26` nor a line of source code. */
function isTelling(line: string): boolean {
  return /^(Uncaught |Caused by: |Exception in )?[\w.$]*(Error|Exception|panic)\b.*:?/.test(line);
}

function parseEntry(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { level, severity, msg, message, err, error } = JSON.parse(line) as Record<string, unknown>;
    const detail = messageOf(err) ?? messageOf(error);
    const text = [msg ?? message, detail]
      .filter((part, i, all) => typeof part === 'string' && part !== all[i - 1])
      .join(': ');
    return { text, level: text ? levelOf(level ?? severity) : 0 };
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string | undefined {
  if (typeof error === 'string') return error;
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
  return typeof error.message === 'string' ? error.message : undefined;
}

function levelOf(level: unknown): number {
  return typeof level === 'number' ? level : (LEVELS[String(level).toLowerCase()] ?? 0);
}
