/** What the pods of a service tell Prometheus. */
import type { PlatformHandle } from './platform.ts';

type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

const MANAGEMENT_PORT = 8081;
const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** All that the service's pods tell now. */
export async function samplesOf(platform: PlatformHandle, service: string): Promise<Sample[]> {
  const pods = await platform.pods(`app.kubernetes.io/name=${service}`);
  const texts = pods.map(async ({ status }) => {
    const response = await fetch(`http://${status?.podIP}:${MANAGEMENT_PORT}/metrics`);
    return response.text();
  });
  return (await Promise.all(texts)).flatMap(parse);
}

/** The sum of the samples of that name that have at least these labels. */
export function total(samples: readonly Sample[], name: string, labels: Labels = {}): number {
  const wanted = Object.entries(labels);
  return samples
    .filter((sample) => sample.name === name && wanted.every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

function parse(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (!name) return [];
    const pairs = [...labels.matchAll(LABEL)].map(([, label, content]) => [label, content] as const);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}
