import { describe, expect, test } from '@jest/globals';
import { readCatalogue } from './images.ts';
import { RELEASE_IMAGES } from './release-images.ts';

const OWN = { release: '1.0.0', images: RELEASE_IMAGES };

test('an images file replaces images of the release, and lists further releases', () => {
  const { images, releases } = readCatalogue(OWN, 'images: {nats: mirror/nats}\nreleases: {1.0.1: {services: fixed}}');
  expect(images).toEqual({ ...RELEASE_IMAGES, nats: 'mirror/nats' });
  expect(releases).toEqual({ '1.0.1': { services: 'fixed' } });
  expect(readCatalogue(OWN, '')).toEqual({ images: RELEASE_IMAGES, releases: {} });
});

describe('an images file is refused for', () => {
  test.each([
    ['an image that there is not', 'images: {postgress: x}', /postgress/],
    ['a release that has no version', 'releases: {next: {services: x}}', /is no version such as 1\.2\.3/],
    ["an operator's image of another release, which nothing would run", 'releases: {1.0.1: {operator: x}}', /operator/],
    ["the operator's own release", 'releases: {1.0.0: {services: x}}', /is this operator's own\. Put its images under/],
  ])('%s', (_, file, words) => {
    expect(() => readCatalogue(OWN, file)).toThrow(words);
    expect(() => readCatalogue(OWN, file)).toThrow('the images file is wrong');
  });
});
