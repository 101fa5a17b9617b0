import { describe, expect, test } from '@jest/globals';
import { seedJobSpec, type SeedJobSpec } from '../api/v1alpha1/index.ts';
import { jobRun } from './job.ts';
import { confirmToken, seedInputHash, seedRun } from './seed-run.ts';

type Dataset = SeedJobSpec['datasets'][number];

const dataset = {
  name: 'products',
  engine: 'postgres',
  database: 'shop',
  table: 'products',
  key: ['id'],
  mode: 'Upsert',
};
const rows = [{ id: 'p1', price: 199 }];
const GENERATED = { ...dataset, from: { generator: { kind: 'products', count: 10 } } };
const MOUNTED = { ...dataset, from: { configMapRef: { name: 'catalogue', key: 'products.csv' } } };
const spec = (fields: object) =>
  seedJobSpec.parse({ platformRef: { name: 'shop' }, datasets: [{ ...dataset, rows }], ...fields });

/** The hash of a spec, with what its stores and ConfigMaps hold. */
function hash(fields: object, { identities = ['volume-1'], texts = {} }: { identities?: string[]; texts?: Record<string, string> } = {}): string {
  const { datasets, revision } = spec(fields);
  return seedInputHash({ datasets, revision, identities, texts });
} // prettier-ignore

describe('the input of a seed', () => {
  test.each<[string, string, string]>([
    ['a schedule', hash({}), hash({ schedule: { cron: '@daily' } })],
    ['the order of the columns of a row', hash({}), hash({ datasets: [{ ...dataset, rows: [{ price: 199, id: 'p1' }] }] })],
    ['what it runs after', hash({}), hash({ after: [{ migration: 'shop-inventory' }] })],
    ['a default that is written out', hash({ datasets: [GENERATED] }), hash({ datasets: [{ ...GENERATED, from: { generator: { ...GENERATED.from.generator, seed: 1 } } }] })],
  ])('is the same with or without %s', (_, one, other) => {
    expect(other).toBe(one);
  }); // prettier-ignore

  test('leaves confirm out', () => {
    const replacing = [{ ...dataset, rows, mode: 'Replace' }];
    expect(hash({ datasets: replacing, confirm: 'abcd0123' })).toBe(hash({ datasets: replacing }));
  });

  test('knows nothing of a default: one that a newer schema fills in re-runs nothing', () => {
    const filledIn = spec({ datasets: [GENERATED] }).datasets;
    const { seed, ...generator } = filledIn[0]?.from?.generator ?? {};
    expect(seed).toBe(1);
    const before = [{ ...filledIn[0], from: { generator } }] as unknown as Dataset[];
    const hashOf = (datasets: Dataset[]) => seedInputHash({ datasets, revision: undefined, identities: [], texts: {} });
    expect(hashOf(filledIn)).toBe(hashOf(before));
  });

  test.each<[string, string, string]>([
    ['a row', hash({}), hash({ datasets: [{ ...dataset, rows: [{ id: 'p1', price: 200 }] }] })],
    ['the mode', hash({}), hash({ datasets: [{ ...dataset, rows, mode: 'InsertOnly' }] })],
    ['the revision', hash({}), hash({ revision: 'second' })],
    ['the store', hash({}), hash({}, { identities: ['volume-2'] })],
    ['the text of a ConfigMap', hash({ datasets: [MOUNTED] }, { texts: { products: 'id\np1' } }), hash({ datasets: [MOUNTED] }, { texts: { products: 'id\np2' } })],
    ['the seed of a generator', hash({ datasets: [GENERATED] }), hash({ datasets: [{ ...dataset, from: { generator: { ...GENERATED.from.generator, seed: 2 } } }] })],
  ])('is another with another %s', (_, one, other) => {
    expect(other).not.toBe(one);
  }); // prettier-ignore
});

test('a token is for one input of one SeedJob', () => {
  const tokens = [confirmToken('uid-1', 'a'), confirmToken('uid-1', 'b'), confirmToken('uid-2', 'a')];
  expect(new Set(tokens).size).toBe(3);
  expect(confirmToken('uid-1', 'a')).toMatch(/^[0-9a-f]{8}$/);
});

describe('a run', () => {
  const run = (datasets: object[], texts: Record<string, string> = {}) => {
    const definition = seedRun({
      name: 'catalogue',
      namespace: 'shop',
      uid: 'uid',
      spec: spec({ datasets }),
      occasion: { trigger: 'Spec', inputHash: '0123456789abcdef' },
      texts,
      servers: [],
      operatorImage: 'operator',
      pullSecrets: [],
    });
    const { config, job } = jobRun(definition, 1);
    const pod = job.spec?.template.spec;
    return { config, input: JSON.parse(config.data?.['input.json'] ?? ''), pod };
  };

  test('has the text of a ConfigMap as a file, as it was when its hash was taken', () => {
    const { config, input, pod } = run([MOUNTED], { products: 'id,price\np1,199' });
    expect(input.datasets).toEqual([{ ...dataset, file: { path: '/etc/orderplane/files/products.csv', format: 'csv' } }]);
    expect(config.data?.['products.csv']).toBe('id,price\np1,199');
    const items = pod?.volumes?.[0]?.projected?.sources?.[0]?.configMap?.items;
    expect(items).toContainEqual({ key: 'products.csv', path: 'files/products.csv' });
  }); // prettier-ignore

  test('reads volumes, each once and nothing else', () => {
    const volume = (path: string) => ({ volume: { claimName: 'datasets', path } });
    const { input, pod } = run([
      { ...dataset, from: volume('2026/products.csv') },
      { ...dataset, name: 'orders', from: volume('orders.ndjson') },
    ]);
    expect(input.datasets.map(({ file }: { file: object }) => file)).toEqual([
      { path: '/volumes/datasets/2026/products.csv', format: 'csv' },
      { path: '/volumes/datasets/orders.ndjson', format: 'ndjson' },
    ]);
    expect(pod?.volumes?.slice(1)).toEqual([
      { name: 'claim-0', persistentVolumeClaim: { claimName: 'datasets', readOnly: true } },
    ]);
    expect(pod?.containers[0]?.volumeMounts?.slice(1)).toEqual([
      { name: 'claim-0', mountPath: '/volumes/datasets', readOnly: true },
    ]);
  });

  test('is told that Replace is confirmed, and of a generator all that decides its rows', () => {
    const { input } = run([{ ...GENERATED, mode: 'Replace' }]);
    expect(input).toMatchObject({
      confirmed: true,
      datasets: [{ generator: { kind: 'products', count: 10, seed: 1 } }],
    });
  });
});
