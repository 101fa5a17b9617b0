import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { Kubeconfig } from './control-plane.ts';
import { mergeKubeconfig, removeFromKubeconfig } from './kubeconfig.ts';

function cluster(name: string, server = 'https://10.213.0.2:6443'): Kubeconfig {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority-data': 'Y2E=' } }],
    users: [{ name, user: { 'client-certificate-data': 'Y3J0', 'client-key-data': 'a2V5' } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
}

const THEIRS = `apiVersion: v1
kind: Config
current-context: work # the one that pays
clusters:
  - name: work
    cluster:
      server: https://work.example
users:
  - name: work
    user:
      exec:
        command: sign-in
contexts:
  - name: work
    context:
      cluster: work
      user: work
`;

describe('mergeKubeconfig', () => {
  test('makes a kubeconfig where there is none', () => {
    expect(parse(mergeKubeconfig('', cluster('ours')))).toEqual(cluster('ours'));
  });

  test('keeps what others wrote and switches to the new context', () => {
    const merged = parse(mergeKubeconfig(THEIRS, cluster('ours')));
    expect(merged['current-context']).toBe('ours');
    expect(merged.clusters.map((entry: { name: string }) => entry.name)).toEqual(['work', 'ours']);
    expect(merged.users[0].user.exec.command).toBe('sign-in');
  });

  test('replaces a former cluster of the same name', () => {
    const former = mergeKubeconfig(THEIRS, cluster('ours', 'https://10.213.7.2:6443'));
    const merged = parse(mergeKubeconfig(former, cluster('ours')));
    expect(merged.clusters.map((entry: { cluster: { server: string } }) => entry.cluster.server)).toEqual([
      'https://work.example',
      'https://10.213.0.2:6443',
    ]);
  });

  test('changes nothing when repeated', () => {
    const once = mergeKubeconfig(THEIRS, cluster('ours'));
    expect(mergeKubeconfig(once, cluster('ours'))).toBe(once);
  });

  test.each([
    ['lists that are null', 'apiVersion: v1\nkind: Config\nclusters: null\nusers: null\ncontexts: null\n'],
    ['lists in flow style', '{"apiVersion":"v1","kind":"Config","clusters":[],"users":[],"contexts":[]}'],
  ])('takes %s', (_, text) => {
    expect(parse(mergeKubeconfig(text, cluster('ours'))).clusters).toEqual(cluster('ours').clusters);
  });

  test('refuses to write over a file that it cannot read', () => {
    expect(() => mergeKubeconfig('clusters: [', cluster('ours'))).toThrow(/not valid YAML/);
  });
});

describe('removeFromKubeconfig', () => {
  test('undoes a merge, but for the current context, which is then none', () => {
    const after = removeFromKubeconfig(mergeKubeconfig(THEIRS, cluster('ours')), 'ours') ?? '';
    expect(parse(after)).toEqual({ ...parse(THEIRS), 'current-context': '' });
  });

  test('leaves the current context of somebody who has moved on', () => {
    const moved = mergeKubeconfig(THEIRS, cluster('ours')).replace('current-context: ours', 'current-context: work');
    expect(parse(removeFromKubeconfig(moved, 'ours') ?? '')['current-context']).toBe('work');
  });

  test('leaves no file behind that holds nothing', () => {
    expect(removeFromKubeconfig(mergeKubeconfig('', cluster('ours')), 'ours')).toBeUndefined();
  });
});
