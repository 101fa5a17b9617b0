import { describe, expect, test } from '@jest/globals';
import { parseMongoSteps, stepChecksum } from './mongo-steps.ts';

const parse = (text: string) => parseMongoSteps({ file: '2_x.up.yaml', text, checksum: '' });
const one = (step: string) => `steps:\n  - ${step}\n`;

describe('refuses, by file and line', () => {
  test.each<[string, string, RegExp]>([
    ['what is no YAML', 'steps:\n  - [\n', /^2_x\.up\.yaml:\d/],
    [
      'an unknown step',
      `${one('{ createCollection: { collection: a } }')}  - dropDatabase: {}\n`,
      /^2_x\.up\.yaml:3: .*dropDatabase/,
    ],
    [
      'two steps in one',
      one('{ dropIndex: { collection: a, name: i }, dropCollection: { collection: a } }'),
      /:2: steps\.0: must be exactly one of/,
    ],
    ['no steps', 'steps: []\n', /:1: steps: /],
    [
      'a misspelt field',
      'steps:\n  - createIndex:\n      collection: a\n      name: i\n      key: { a: 1 }\n',
      /:\d: steps\.0\.createIndex/,
    ],
    [
      'an update that cannot be repeated',
      one('updateMany: { collection: a, filter: {}, update: { $inc: { n: 1 } } }'),
      /:2: .*can be repeated: \$set/,
    ],
    [
      'an update of the element that the filter matched',
      one('updateMany: { collection: a, filter: { l: 1 }, update: { $set: { l.$: 2 } } }'),
      /:2: .*must not address an array/,
    ],
    [
      'a whole document in place of an update',
      one('updateMany: { collection: a, filter: {}, update: { n: 1 } }'),
      /:2: .*can be repeated/,
    ],
    [
      'a date that is none',
      one('updateMany: { collection: a, filter: { at: { $oid: x } }, update: { $set: { n: 1 } } }'),
      /:2: steps\.0\.updateMany\.filter: is no extended JSON/,
    ],
    [
      "the ledger's own collections",
      one('dropCollection: { collection: orderplane_migrations }'),
      /:2: .*must not start with orderplane_/,
    ],
    ['an operator as a field', one('renameField: { collection: a, from: $x, to: y }'), /:2: .*must be a field/],
    ['a rename to the same name', one('renameCollection: { from: a, to: a }'), /:2: .*another name/],
    ['the index that every collection has', one('dropIndex: { collection: a, name: _id_ }'), /:2: .*cannot be dropped/],
    [
      'how to validate without what',
      one('createCollection: { collection: a, validationLevel: strict }'),
      /:2: .*needs a validator/,
    ],
    [
      'a collection that is capped at nothing',
      one('createCollection: { collection: a, capped: { size: 0 } }'),
      /:2: .*capped\.size/,
    ],
  ])('%s', (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

test('takes every element of an array, and words that look like operators where they are values', () => {
  const update = 'updateMany: { collection: a, filter: {}, update: { $set: { "l.$[].n": "$inc" } } }';
  expect(parse(one(update))).toMatchObject([{ kind: 'updateMany', line: 2 }]);
});

test('the checksum of a step sees what it says, not where it stands or how it is laid out', () => {
  const checksum = (text: string) => parse(text).map(stepChecksum);
  const step = '{ dropIndex: { collection: a, name: i } }';
  expect(checksum(`# moved\n${one('dropIndex:\n      collection: a\n      name: "i"')}`)).toEqual(checksum(one(step)));
  expect(checksum(one(step.replace('i }', 'j }')))).not.toEqual(checksum(one(step)));
});
