import { describe, expect, test } from '@jest/globals';
import type { PodTemplate } from '../../../resources/pod.ts';
import type { TemplateRevision } from '../../../resources/template-revision.ts';
import { hashOf } from '../../../runtime/index.ts';
import { planTemplate, type PinInput } from './plan.ts';

const template = (image: string): PodTemplate => ({ spec: { containers: [{ name: 'main', image }] } });
const imageOf = (found: PodTemplate) => found.spec?.containers[0]?.image;

const revision = (number: number, image: string, fields: Partial<TemplateRevision> = {}): TemplateRevision => ({
  revision: number,
  template: template(image),
  renderer: 'r1',
  release: '1.0.0',
  inputHash: 'input',
  renderedHash: hashOf(template(image)),
  wasAvailable: false,
  ...fields,
});

const input = (image: string, revisions: TemplateRevision[], fields: Partial<PinInput> = {}): PinInput => ({
  rendered: template(image),
  revisions,
  renderer: 'r1',
  release: '1.0.0',
  inputHash: 'input',
  follows: false,
  attempt: '1/',
  ...fields,
});

const failedIn = (attempt: string) => ({ failure: { attempt, message: 'cannot pull image' } });

describe('a workload gets', () => {
  test.each<[string, PinInput, string, string]>([
    ['what is rendered, when there was nothing', input('a', []), 'rendered', 'a'],
    ['what is rendered, when the same renderer makes something else of it', input('b', [revision(1, 'a')]), 'rendered', 'b'],
    ['what it has, when another renderer makes something else of the same input', input('b', [revision(1, 'a')], { renderer: 'r2' }), 'kept', 'a'],
    ['what it has, when the other renderer makes the same of another input as before', input('b', [revision(1, 'a', { renderer: 'r2', renderedHash: hashOf(template('b')) })], { renderer: 'r2', inputHash: 'other' }), 'kept', 'a'],
    ['what is rendered, when input and renderer are others', input('b', [revision(1, 'a')], { renderer: 'r2', inputHash: 'other' }), 'rendered', 'b'],
    ['what is rendered, when another release is asked for', input('b', [revision(1, 'a')], { renderer: 'r2', release: '2.0.0' }), 'rendered', 'b'],
    ['what is rendered, when the platform follows its operator', input('b', [revision(1, 'a')], { renderer: 'r2', follows: true }), 'rendered', 'b'],
    ['the one before, after a rollout that failed', input('b', [revision(2, 'b', failedIn('1/')), revision(1, 'a', { wasAvailable: true })]), 'returned', 'a'],
    ['the one before, whatever a new operator makes of it', input('c', [revision(2, 'b', failedIn('1/')), revision(1, 'a', { wasAvailable: true })], { renderer: 'r2' }), 'returned', 'a'],
    ['no older one that never ran', input('c', [revision(3, 'c', failedIn('1/')), revision(2, 'b'), revision(1, 'a', { wasAvailable: true })]), 'returned', 'a'],
    ['the one that failed, when there is none before', input('b', [revision(1, 'b', failedIn('1/'))]), 'kept', 'b'],
    ['the one that failed, in another attempt', input('b', [revision(3, 'a', { wasAvailable: true }), revision(2, 'b', failedIn('1/'))], { attempt: '1/now' }), 'rendered', 'b'],
  ])('%s', (_, given, kind, image) => {
    const plan = planTemplate(given);
    expect([plan.kind, imageOf(plan.template)]).toEqual([kind, image]);
  }); // prettier-ignore
});

describe('what is recorded', () => {
  test('makes what is applied the newest, once', () => {
    const plan = planTemplate(input('b', [revision(1, 'a')]));
    expect(plan.record.revision).toBe(2);
    expect(planTemplate(input('b', [plan.record, revision(1, 'a')])).record).toEqual(plan.record);
  });

  test('settles after a return, until the next attempt', () => {
    const failed = revision(2, 'b', failedIn('1/'));
    const back = planTemplate(input('b', [failed, revision(1, 'a', { wasAvailable: true })])).record;
    expect(back.revision).toBe(3);
    expect(planTemplate(input('b', [back, failed])).record).toEqual(back);
    const retry = planTemplate(input('b', [back, failed], { attempt: '2/' }));
    expect(retry.record).toMatchObject({ revision: 4, renderedHash: hashOf(template('b')) });
    expect(retry.record.failure).toBeUndefined();
  });

  test('of a new renderer is what it makes of the input, so that a later change of the input shows', () => {
    const { record } = planTemplate(input('b', [revision(1, 'a')], { renderer: 'r2' }));
    expect(record).toMatchObject({ renderer: 'r2', renderedHash: hashOf(template('b')) });
    const unrelated = planTemplate(input('b', [record], { renderer: 'r2', inputHash: 'other' }));
    expect(imageOf(unrelated.template)).toBe('a');
    const related = planTemplate(input('c', [record], { renderer: 'r2', inputHash: 'other' }));
    expect(imageOf(related.template)).toBe('c');
  });

  test('keeps what pods of an older renderer connect to, and follows the spec where the pods are its own', () => {
    const [old, now] = [
      { services: ['a'], backends: [] },
      { services: ['b'], backends: [] },
    ];
    const { record } = planTemplate(
      input('b', [revision(1, 'a', { connections: old })], { renderer: 'r2', connections: now }),
    );
    expect(record.connections).toEqual(old);
    expect(planTemplate(input('b', [record], { renderer: 'r2', connections: now })).record.connections).toEqual(old);
    expect(
      planTemplate(input('a', [revision(1, 'a', { connections: old })], { connections: now })).record.connections,
    ).toEqual(now);
  });
});
