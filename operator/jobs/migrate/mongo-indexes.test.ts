import { expect, test } from '@jest/globals';
import type { Document } from 'mongodb';
import { collectionDifference, indexDefinition, indexDifference } from './mongo-indexes.ts';
import { parseMongoSteps, type StepOf } from './mongo-steps.ts';

/** The step of a file that has one; `options` in the flow style of YAML. */
function stepOf<K extends 'createIndex' | 'createCollection'>(kind: K, options: string): StepOf<K> {
  const text = `steps:\n  - ${kind}: { collection: c, ${options} }\n`;
  return parseMongoSteps({ file: '1_x.up.yaml', text, checksum: '' })[0] as StepOf<K>;
}

/** As MongoDB 8 lists them. */
const listed = (key: Document, more: Document = {}): Document => ({ v: 2, key, name: 'i', ...more });
const TEXT = {
  weights: { a: 1, b: 1 },
  default_language: 'english',
  language_override: 'language',
  textIndexVersion: 3,
};
const GERMAN = { locale: 'de', caseLevel: false, strength: 3, numericOrdering: false, alternate: 'non-ignorable' };

test.each<[string, string, Document, RegExp | undefined]>([
  ['the same', 'keys: { a: 1 }', listed({ a: 1 }), undefined],
  ['another direction', 'keys: { a: 1 }', listed({ a: -1 }), /keys is \{ a: -1 \}, not \{ a: 1 \}/],
  ['another order of the keys', 'keys: { a: 1, b: 1 }', listed({ b: 1, a: 1 }), /keys/],
  ['unique there only', 'keys: { a: 1 }', listed({ a: 1 }, { unique: true }), /unique is true, not false/],
  ['sparse here only', 'keys: { a: 1 }, sparse: true', listed({ a: 1 }), /sparse is false, not true/],
  ['the same life', 'keys: { a: 1 }, expireAfterSeconds: 60', listed({ a: 1 }, { expireAfterSeconds: 60 }), undefined],
  [
    'a longer life',
    'keys: { a: 1 }, expireAfterSeconds: 60',
    listed({ a: 1 }, { expireAfterSeconds: 90 }),
    /expireAfterSeconds is 90, not 60/,
  ],
  [
    'a part of the documents, said in another order',
    'keys: { a: 1 }, partialFilterExpression: { x: 1, y: { $gt: 2 } }',
    listed({ a: 1 }, { partialFilterExpression: { y: { $gt: 2 }, x: 1 } }),
    undefined,
  ],
  [
    'another part',
    'keys: { a: 1 }, partialFilterExpression: { x: 1 }',
    listed({ a: 1 }, { partialFilterExpression: { x: 2 } }),
    /\{"x":2\}, not \{"x":1\}/,
  ],
  [
    'a collation, with what the server adds',
    'keys: { a: 1 }, collation: { locale: de }',
    listed({ a: 1 }, { collation: GERMAN }),
    undefined,
  ],
  [
    'another collation',
    'keys: { a: 1 }, collation: { locale: de, strength: 1 }',
    listed({ a: 1 }, { collation: GERMAN }),
    /collation/,
  ],
  ['a collation there only', 'keys: { a: 1 }', listed({ a: 1 }, { collation: GERMAN }), /collation is .*, not not set/],
  ['text, as the server keeps it', 'keys: { b: text, a: text }', listed({ _fts: 'text', _ftsx: 1 }, TEXT), undefined],
  [
    'text of other fields',
    'keys: { a: text }',
    listed({ _fts: 'text', _ftsx: 1 }, TEXT),
    /\{ a: text, b: text \}, not \{ a: text \}/,
  ],
  ['a hash', 'keys: { a: hashed }', listed({ a: 'hashed' }), undefined],
])('an index: %s', (_, options, existing, difference) => {
  const found = indexDifference(stepOf('createIndex', `name: i, ${options}`), existing);
  if (difference) expect(found).toMatch(difference);
  else expect(found).toBeUndefined();
});

test('an index is asked for with what its step says, and nothing else', () => {
  const options =
    'name: i, keys: { at: -1 }, sparse: true, expireAfterSeconds: 0, partialFilterExpression: { at: { $gt: { $date: 2026-01-01T00:00:00Z } } }';
  expect(indexDefinition(stepOf('createIndex', options))).toEqual({
    key: { at: -1 },
    name: 'i',
    sparse: true,
    expireAfterSeconds: 0,
    partialFilterExpression: { at: { $gt: new Date('2026-01-01') } },
  });
});

test.each<[string, string, Document, RegExp | undefined]>([
  ['plain', '', { type: 'collection', options: {} }, undefined],
  ['a view', '', { type: 'view', options: { viewOn: 'x' } }, /is a view/],
  [
    'capped, its size rounded up',
    'capped: { size: 1000 }',
    { type: 'collection', options: { capped: true, size: 1024 } },
    undefined,
  ],
  [
    'capped at another size',
    'capped: { size: 1000 }',
    { type: 'collection', options: { capped: true, size: 4096 } },
    /capped\.size is 4096, not 1024/,
  ],
  [
    'the same validator',
    'validator: { a: { $exists: true } }',
    {
      type: 'collection',
      options: { validator: { a: { $exists: true } }, validationLevel: 'strict', validationAction: 'error' },
    },
    undefined,
  ],
  [
    'another validator',
    'validator: { a: { $exists: true } }',
    { type: 'collection', options: {} },
    /validator is not set/,
  ],
])('a collection: %s', (_, options, existing, difference) => {
  const found = collectionDifference(stepOf('createCollection', options), existing);
  if (difference) expect(found).toMatch(difference);
  else expect(found).toBeUndefined();
});
