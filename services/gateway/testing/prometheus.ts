/** What a service says of itself at /metrics, without what every process of Node says. */
export interface Exposition {
  /** Name and kind, such as `http_requests_total` and `counter`. */
  readonly families: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export async function scrape({ managementPort }: { managementPort: number }): Promise<Exposition> {
  const response = await fetch(`http://127.0.0.1:${managementPort}/metrics`);
  return parseExposition(await response.text());
}

export function parseExposition(text: string): Exposition {
  const lines = text.split('\n').filter((line) => !/^(?:# \w+ )?(?:nodejs|process)_/.test(line));
  const families = lines.flatMap((line) => {
    const [, name, kind] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    return name === undefined || kind === undefined ? [] : [[name, kind] as const];
  });
  const samples = lines.flatMap((line): Sample[] => {
    const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, labels: labelsOf(labels), value: Number(value) }];
  });
  return { families: new Map(families), samples };
}

/** The samples of a family: a histogram's have names of their own. */
export function samplesOf({ families, samples }: Exposition, family: string): Sample[] {
  const names =
    families.get(family) === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => family + end) : [family];
  return samples.filter(({ name }) => names.includes(name));
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
}
