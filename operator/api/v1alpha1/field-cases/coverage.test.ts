/** No field without its cases: the list of fields is the schema's own. */
import { describe, expect, test } from '@jest/globals';
import { brokenTestLink } from '@orderplane/hack/testing/shown-by.ts';
import { structural } from '../crd.ts';
import { KINDS } from '../kinds.ts';
import type { KindName } from './cases.ts';
import { FIELD_CASES } from './index.ts';
import { leavesOf, sampleWith, withField } from './paths.ts';
import { SAMPLES } from './samples.ts';

const FOLDER = 'operator/api/v1alpha1/field-cases';

describe.each(Object.keys(FIELD_CASES) as KindName[])('%s', (kind) => {
  const { file, cases } = FIELD_CASES[kind];
  const leaves = leavesOf(structural(KINDS[kind].spec, kind));

  test('every field has cases', () => {
    const missing = leaves.filter((path) => !(path in cases)).map((path) => howToAdd(file, path));
    expect(missing.join('\n')).toBe('');
  });

  test('every case is of a field', () => {
    const fields = new Set(leaves);
    expect(Object.keys(cases).filter((path) => !fields.has(path))).toEqual([]);
  });

  test.each(Object.entries(cases))('%s is in a sample, has two illegal values, and its legal one is another', (path, { illegal, legal }) => {
    const { sample } = sampleWith(SAMPLES[kind], path, undefined);
    expect(illegal.length).toBeGreaterThanOrEqual(2);
    if ('shownBy' in legal) expect(brokenTestLink(legal.shownBy)).toBeUndefined();
    else expect(withField(SAMPLES[kind][sample]!, path, legal.to)).not.toEqual(SAMPLES[kind][sample]);
  }); // prettier-ignore
});

test('the leaves of a schema are what a user writes values for', () => {
  const text = { type: 'string' };
  const properties = {
    a: text,
    list: { items: { properties: { b: text, words: { items: text } } } },
    map: { properties: { c: text } },
  };
  expect(leavesOf({ properties })).toEqual(['a', 'list[].b', 'list[].words', 'map.c']);
});

function howToAdd(file: string, path: string): string {
  return `${path} has no cases. Add to ${FOLDER}/${path.startsWith('services[]') ? 'service.ts' : file}:
  '${path}': {
    illegal: [[<a value that the API server refuses>, '<part of its message>'], [<another>, '<its message>']],
    legal: { to: <a legal value>, acts: (made) => <where it can be seen, see made.ts>, becomes: <what is seen there> },
  },    (legal: { shownBy: '<test file> › <title>' }, where it takes more than an edit to see it act)
and set the field in a sample of ${FOLDER}/samples.ts, if none has it.`;
}
