import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ULTRALIGHT } from '../../controllers/testing/platforms.ts';
import { planOffline } from './make.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orderplane-plan-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function plan(spec: object, before?: object, images?: object) {
  const imagesFile = images && join(folder, 'images.yaml');
  if (imagesFile) await writeFile(imagesFile, stringify(images));
  const write = async (name: string, content: object) => {
    const path = join(folder, name);
    await writeFile(path, stringify({ apiVersion: 'orderplane.dev/v1alpha1', kind: 'OrderPlatform', metadata: { name: 'shop' }, spec: content })); // prettier-ignore
    return path;
  };
  const files = [await write('new.yaml', spec)];
  const from = before ? [await write('old.yaml', before)] : [];
  const [made] = await planOffline({ name: undefined, files, from, imagesFile, namespace: 'shop' });
  if (!made) throw new Error('there is no plan');
  const lines = made.changes.map(({ action, kind, name, restarts }) => `${action} ${kind} ${name}${restarts ? ' restarts' : ''}`); // prettier-ignore
  return {
    ...made,
    lines,
    runs: made.runs.map(({ purpose }) => purpose),
    migrations: made.runs.filter(({ pending, detail }) => pending ?? detail),
  };
}

const external = (provisioning: string) => ({
  stores: { postgres: { external: { secretRef: { name: 'rds' }, provisioning } } },
  services: [{ name: 'reports', image: 'x', needs: [{ postgres: { database: 'reports', access: 'ReadWrite' } }] }],
});
const sized = (storage: string) => ({ stores: { postgres: { managed: { storage } } } });

describe('the operator is rehearsed until the platform is Ready:', () => {
  test.each<[string, object, object | undefined, { lines?: string[]; runs?: string[] }]>([
    ['the smallest one', ULTRALIGHT, undefined, { lines: ['create StatefulSet shop-postgres', 'create Deployment shop-orders'], runs: ['provision-postgres', 'migrate', 'verify'] }],
    ['one of profile prod', { ...ULTRALIGHT, profile: 'prod' }, ULTRALIGHT, { lines: ['create HorizontalPodAutoscaler shop-orders', 'update Deployment shop-orders restarts'] }],
    ['one on a server that is there, where the operator makes the logins', external('Managed'), undefined, { lines: ['create Secret shop-reports-postgres'], runs: ['connect-postgres', 'provision-postgres'] }],
    ['one on a server with logins of its own', external('None'), undefined, { lines: ['create Deployment shop-reports'], runs: ['connect-postgres'] }],
    ['one whose volume grows, under the pod that runs', sized('2Gi'), sized('1Gi'), { lines: ['update PersistentVolumeClaim data-shop-postgres-0', 'update StatefulSet shop-postgres'] }],
    ['one that loses a service', { services: [] }, { services: [{ name: 'web', image: 'x', port: 9000 }] }, { lines: ['delete Deployment shop-web', 'delete Service shop-web'] }],
    ['one behind an Ingress with a certificate', { exposure: { ingress: { host: 'shop.example.com', className: 'nginx', tls: { clusterIssuer: 'le' } } }, services: [{ name: 'web', image: 'x', port: 9000, routes: ['/'] }] }, undefined, { lines: ['create Ingress shop-ingress'] }],
  ])('%s', async (_, spec, before, { lines = [], runs = [] }) => {
    const made = await plan(spec, before);
    expect(made).toMatchObject({ ready: true, lines: expect.arrayContaining(lines), runs: expect.arrayContaining(runs) });
  }); // prettier-ignore

  test('but not one that is suspended: nothing of it changes', async () => {
    const made = await plan({ ...ULTRALIGHT, profile: 'prod', suspend: true }, ULTRALIGHT);
    expect(made).toMatchObject({
      ready: false,
      lines: [],
      runs: [],
      waitsFor: expect.stringContaining('spec.suspend'),
    });
  });
});

describe('the files of migrations in images', () => {
  const migrationsOf = async (...input: Parameters<typeof plan>) => {
    const { migrations, notes } = await plan(...input);
    return { runs: Object.fromEntries(migrations.map(({ of, pending }) => [of, pending])), notes };
  };
  const withImage = (name: string, image: string) => ({
    ...ULTRALIGHT,
    services: ULTRALIGHT.services.map((service) => (service.name === name ? { ...service, image } : service)),
  });

  test('are those of this release, whatever mirror it comes from', async () => {
    const { runs, notes } = await migrationsOf({ ...ULTRALIGHT, images: { registry: 'mirror.example' } });
    expect(runs).toMatchObject({
      'Migration shop-orders': expect.arrayContaining(['0001_orders.up.sql']),
      'Migration shop-order-query': expect.arrayContaining(['0001_orders.up.yaml']),
    });
    expect(notes.filter((note) => note.includes('cannot be seen'))).toEqual([]);
  });

  test('are not pending any more once they are applied', async () => {
    const { runs } = await migrationsOf({ ...ULTRALIGHT, images: { registry: 'mirror.example' } }, ULTRALIGHT);
    expect(runs).toMatchObject({ 'Migration shop-orders': [], 'Migration shop-inventory': [] });
  });

  test('cannot be seen in an image of somebody’s own, which is said, with what there is to do', async () => {
    const { runs, notes } = await migrationsOf(withImage('orders', 'registry.example/orders:2'), ULTRALIGHT);
    expect(runs).toEqual({ 'Migration shop-orders': undefined });
    const [note] = notes.filter((each) => each.includes('cannot be seen'));
    expect(note).toMatch(/migrations in registry.example\/orders:2 \(\/app\/orders\/migrations\).*RequireApproval/);
  });

  test('cannot be seen in the images of another release', async () => {
    const releases = { '0.0.9': { services: 'registry.example/services:0.0.9' } };
    const { runs, notes } = await migrationsOf({ ...ULTRALIGHT, version: '0.0.9' }, undefined, { releases });
    expect(runs).toMatchObject({ 'Migration shop-orders': undefined, 'Migration shop-inventory': undefined });
    expect(notes.join('\n')).toMatch(/migrations in registry.example\/services:0.0.9 .* cannot be seen/);
  });
});
