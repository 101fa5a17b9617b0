import type { JobResult, MigrationPlan, PlanFinding } from './contract.ts';

/** Kubernetes keeps 4 KiB of a container's termination message and 12 KiB of all in a pod; see `terminationMessagePath`. */
export const MAX_RESULT_BYTES = 3072;

/**
 * A result as JSON of at most `MAX_RESULT_BYTES`, masked. Where it would be longer, lists lose entries: those of a plan the last and the
 * least severe, counted in `leftOut`, others the oldest (first). Then a message loses its middle; that leaves the end of an error,
 * which often says most.
 */
export function fitResult<T extends object>(result: JobResult<T>, mask: (text: string) => string): string {
  const shown = JSON.parse(mask(JSON.stringify(result))) as Record<string, unknown>;
  let text = JSON.stringify(shown);
  while (Buffer.byteLength(text) > MAX_RESULT_BYTES && shorten(shown)) text = JSON.stringify(shown);
  return text;
}

interface List {
  entries: unknown[];
  cut(count: number): void;
}

/** Cuts an eighth off the list that takes most room, as often as it is called. */
function shorten(result: Record<string, unknown>): boolean {
  const longest = listsOf(result)
    .filter(({ entries }) => entries.length > 1)
    .map((list) => ({ list, size: JSON.stringify(list.entries).length }))
    .sort((a, b) => b.size - a.size)[0]?.list;
  if (longest) {
    longest.cut(Math.ceil(longest.entries.length / 8));
    return true;
  }
  const message = result.message;
  if (typeof message !== 'string' || message.length < 64) return false;
  const keep = Math.floor(message.length * 0.45);
  result.message = `${message.slice(0, keep)} … ${message.slice(-keep)}`;
  return true;
}

function listsOf(result: Record<string, unknown>): List[] {
  const lists = Object.entries(result).flatMap(([key, value]): List[] => {
    if (!Array.isArray(value)) return [];
    // What is pending is next at its beginning; of what was done, the end is news.
    const first = (count: number): number => (key === 'pending' ? value.length - count : 0);
    return [{ entries: value, cut: (count) => void value.splice(first(count), count) }];
  });
  const plan = result.plan as MigrationPlan | undefined;
  return plan ? [...lists, ...listsOfPlan(plan)] : lists;
}

function listsOfPlan(plan: MigrationPlan): List[] {
  const leaveOut = (list: 'pending' | 'findings', count: number): void => {
    plan.leftOut ??= { pending: 0, findings: 0 };
    plan.leftOut[list] += count;
  };
  const { pending, findings } = plan;
  return [
    {
      entries: pending,
      cut: (count) => {
        pending.splice(-count);
        leaveOut('pending', count);
      },
    },
    {
      entries: findings,
      cut: (count) => {
        for (let i = 0; i < count; i++) findings.splice(leastSevere(findings), 1);
        leaveOut('findings', count);
      },
    },
  ];
}

const SEVERITIES: readonly PlanFinding['severity'][] = ['Blocking', 'Rewriting', 'Undecidable', 'Destructive'];

/** The last of the least severe. */
function leastSevere(findings: readonly PlanFinding[]): number {
  const rank = ({ severity }: PlanFinding): number => SEVERITIES.indexOf(severity);
  const least = Math.min(...findings.map(rank));
  return findings.findLastIndex((finding) => rank(finding) === least);
}
