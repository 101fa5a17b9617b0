import { expect, test } from '@jest/globals';
import { matchesLabels } from './selector.ts';

const object = { metadata: { name: 'x', labels: { app: 'shop', tier: 'web' } } };

test.each<[string | undefined, boolean]>([
  [undefined, true],
  ['app=shop', true],
  ['app==shop,tier=web', true],
  ['app=shop,tier=db', false],
  ['app!=shop', false],
  ['role!=db', true],
  ['app', true],
  ['role', false],
  ['!role', true],
  ['!app', false],
])('the selector %s is met: %s', (selector, isMet) => {
  expect(matchesLabels(object, selector)).toBe(isMet);
});

test('a selector of another form is refused rather than misread', () => {
  expect(() => matchesLabels(object, 'app in (shop)')).toThrow('not understood');
});
