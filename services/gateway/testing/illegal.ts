/** Of any field: refused wherever it is put. */
const NEVER: Readonly<Record<string, unknown>> = {
  null: null,
  true: true,
  'half a number': 0.5,
  'a negative number': -1,
  'a number beyond 32 bits': 2 ** 31,
  'a huge number': 1e308,
  'an object': {},
  'a list of lists': [[[]]],
  'no text': '',
  'text that is too long': 'a'.repeat(10_000),
  'a zero byte': 'a\0b',
  'half a character': 'a\ud800',
};
/** Of some fields it may be right. None may be the end of a service. */
const ODD: Readonly<Record<string, unknown>> = {
  zero: 0,
  'a small number': 7,
  'an emoji': '🛒',
  'right to left': '\u202eabc\u202d',
  'combining characters': 'e\u0301'.repeat(20),
  'what SQL would stumble over': `'; drop table users; --`,
  'a regular expression': '(a+)+$',
  'a path': '../../etc/passwd',
};

export interface Variant {
  readonly sentence: string;
  readonly body: unknown;
  readonly isIllegal: boolean;
}

type Path = readonly (string | number)[];

/** Bodies that differ from a legal one in one place; `required` tells what it must not be without. */
export function variantsOf(body: object): Variant[] {
  const paths = pathsOf(body);
  const of = (values: Readonly<Record<string, unknown>>, isIllegal: boolean) =>
    Object.entries(values).flatMap(([name, value]) =>
      paths.map((path) => ({
        sentence: `${path.join('.')} as ${name}`,
        body: withValue(body, path, value),
        isIllegal,
      })),
    );
  const objects = [[], ...paths.filter((path) => isPlainObject(valueAt(body, path)))] as Path[];
  return [
    ...of(NEVER, true),
    ...of(ODD, false),
    ...paths.map((path) => ({
      sentence: `no ${path.join('.')}`,
      body: withValue(body, path, undefined),
      isIllegal: false,
    })),
    ...objects.map((path) => ({
      sentence: `an unknown field in ${path.join('.') || 'the body'}`,
      body: withValue(body, [...path, 'isAdmin'], true),
      isIllegal: true,
    })),
    ...objects.map((path) => ({
      sentence: `the field constructor in ${path.join('.') || 'the body'}`,
      body: withValue(body, [...path, 'constructor'], { prototype: { isAdmin: true } }),
      isIllegal: true,
    })),
  ];
}

/** Texts that are no body of any route. */
export const BROKEN_BODIES: Readonly<Record<string, string>> = {
  'half of JSON': '{"a":',
  'no JSON': 'lines=1',
  'a prototype': '{"__proto__": {"isAdmin": true}}',
  "an object's prototype, deeper": '{"a": {"constructor": {"prototype": {"isAdmin": true}}}}',
  null: 'null',
  'a list': '[]',
  'a text': '"text"',
  'a number': '1',
  'a deep nest of lists': '['.repeat(20_000) + ']'.repeat(20_000),
  'a deep nest of objects': '{"a":'.repeat(9_000) + '1' + '}'.repeat(9_000),
  nothing: '',
};

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((item, index) => pathsOf(item, [...path, index]))];
  if (!isPlainObject(value)) return [path];
  const below = Object.entries(value).flatMap(([name, item]) => pathsOf(item, [...path, name]));
  return path.length === 0 ? below : [path, ...below];
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], value);
}

function withValue(body: object, path: Path, value: unknown): object {
  const copy = structuredClone(body);
  const parent = valueAt(copy, path.slice(0, -1)) as Record<string | number, unknown>;
  const key = path.at(-1)!;
  if (value === undefined && !Array.isArray(parent)) delete parent[key];
  else Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
  return copy;
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
