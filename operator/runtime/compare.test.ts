import { describe, expect, test } from '@jest/globals';
import { changesBetween, differences, hasForeignEntries, type ValueChange } from './compare.ts';
import { isSameQuantity, parseQuantity } from './quantity.ts';

const container = (fields: object) => ({ spec: { containers: [{ name: 'app', ...fields }] } });

describe('a stored object that says the same', () => {
  const cases: Record<string, [desired: unknown, stored: unknown]> = {
    'with defaults added': [{ spec: { replicas: 1 } }, { spec: { replicas: 1, strategy: { type: 'RollingUpdate' } } }],
    'with canonical quantities': [
      container({ resources: { limits: { cpu: '1000m', memory: '1024Mi' }, requests: { cpu: 0.5 } } }),
      container({ resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } } }),
    ],
    'with a canonical size limit': [{ emptyDir: { sizeLimit: '0.5Gi' } }, { emptyDir: { sizeLimit: '512Mi' } }],
    'with empty lists left out': [container({ env: [], args: [] }), container({})],
    'with empty labels left out': [{ metadata: { labels: {} } }, { metadata: {} }],
    'with an empty value left out': [
      container({ env: [{ name: 'A', value: '' }] }),
      container({ env: [{ name: 'A' }] }),
    ],
    'with a false that is the zero value left out': [{ spec: { hostNetwork: false } }, { spec: {} }],
    'with null meaning absent': [{ metadata: { creationTimestamp: null } }, { metadata: {} }],
    'with environment of others in between': [
      container({ env: [{ name: 'A', value: '1' }] }),
      container({
        env: [
          { name: 'OTHER', value: 'x' },
          { name: 'A', value: '1' },
        ],
      }),
    ],
    'with a sidecar injected': [container({}), { spec: { containers: [{ name: 'proxy' }, { name: 'app' }] } }],
    'with the protocol defaulted': [
      container({ ports: [{ containerPort: 80 }] }),
      container({ ports: [{ containerPort: 80, protocol: 'TCP' }] }),
    ],
    'with volumes in another order': [
      {
        volumes: [
          { name: 'a', emptyDir: {} },
          { name: 'b', secret: { secretName: 's' } },
        ],
      },
      {
        volumes: [
          { name: 'b', secret: { secretName: 's', defaultMode: 420 } },
          { name: 'a', emptyDir: {} },
        ],
      },
    ],
    'with mounts keyed by path': [
      { volumeMounts: [{ name: 'v', mountPath: '/a' }] },
      {
        volumeMounts: [
          { name: 'token', mountPath: '/t' },
          { name: 'v', mountPath: '/a' },
        ],
      },
    ],
    'with a finalizer of another': [{ finalizers: ['a'] }, { finalizers: ['b', 'a'] }],
    'with another owner beside': [
      { ownerReferences: [{ uid: '1' }] },
      { ownerReferences: [{ uid: '2' }, { uid: '1' }] },
    ],
    'with an int-or-string as the other': [{ targetPort: '8080' }, { targetPort: 8080 }],
    'with defaults in the elements of an atomic list': [
      { volumeClaimTemplates: [{ spec: { resources: { requests: { storage: '1024Mi' } } } }] },
      {
        volumeClaimTemplates: [
          {
            kind: 'PersistentVolumeClaim',
            spec: { volumeMode: 'Filesystem', resources: { requests: { storage: '1Gi' } } },
            status: { phase: 'Pending' },
          },
        ],
      },
    ],
  };
  test.each(Object.entries(cases))('%s has no differences', (_, [desired, stored]) => {
    expect(differences(desired, stored)).toEqual([]);
  });
});

describe('a stored object that differs', () => {
  const cases: Record<string, [desired: unknown, stored: unknown, path: string]> = {
    'an edited value': [{ spec: { replicas: 2 } }, { spec: { replicas: 3 } }, 'spec.replicas'],
    'a removed label': [{ metadata: { labels: { a: '1' } } }, { metadata: {} }, 'metadata.labels'],
    'an edited variable': [
      container({ env: [{ name: 'A', value: '1' }] }),
      container({ env: [{ name: 'A', value: '2' }] }),
      'spec.containers[app].env[A].value',
    ],
    'a variable is not a quantity': [
      container({ env: [{ name: 'A', value: '1' }] }),
      container({ env: [{ name: 'A', value: '1000m' }] }),
      'spec.containers[app].env[A].value',
    ],
    'a removed container': [container({}), { spec: { containers: [] } }, 'spec.containers[app]'],
    'an argument too many in an atomic list': [
      container({ args: ['a'] }),
      container({ args: ['a', 'b'] }),
      'spec.containers[app].args',
    ],
    'an edited element of an atomic list': [{ command: ['a', 'b'] }, { command: ['a', 'c'] }, 'command[1]'],
    'a label too many in a selector': [
      { spec: { selector: { a: '1' } } },
      { spec: { selector: { a: '1', b: '2' } } },
      'spec.selector.b',
    ],
    'another kind of volume under the same name': [
      { volumes: [{ name: 'v', emptyDir: {} }] },
      { volumes: [{ name: 'v', hostPath: { path: '/' } }] },
      'volumes[v].emptyDir',
    ],
    'a pointer to false that was removed': [
      { securityContext: { allowPrivilegeEscalation: false } },
      { securityContext: {} },
      'securityContext.allowPrivilegeEscalation',
    ],
    'a raised limit': [{ limits: { memory: '128Mi' } }, { limits: { memory: '129Mi' } }, 'limits.memory'],
    'a list where a map was': [{ data: { a: 'x' } }, { data: [] }, 'data'],
  };
  test.each(Object.entries(cases))('%s', (_, [desired, stored, path]) => {
    expect(differences(desired, stored).map((difference) => difference.path)).toEqual([path]);
  });
});

describe('changes, looked at from both sides', () => {
  const cases: Record<string, [before: unknown, after: unknown, changes: string[]]> = {
    'what is set, then what is gone': [{ a: 1, b: 2 }, { a: 3, c: 4 }, ['a: 1 → 3', 'c: undefined → 4', 'b: 2 → undefined']],
    'an element that is another, by its key': [{ env: [{ name: 'A', value: 'x' }] }, { env: [{ name: 'B', value: 'x' }] }, ['env[B]: undefined → {"name":"B","value":"x"}', 'env[A]: {"name":"A","value":"x"} → undefined']],
    'a list that is none of ours to merge, once': [{ args: ['a'] }, { args: ['a', 'b'] }, ['args: ["a"] → ["a","b"]']],
    'a selector that selects more, once': [{ selector: { a: 'x', b: 'y' } }, { selector: { a: 'x' } }, ['selector.b: "y" → undefined']],
    'another way to write a quantity': [{ limits: { cpu: '1000m' } }, { limits: { cpu: '1' } }, []],
  }; // prettier-ignore
  test.each(Object.entries(cases))('%s', (_, [before, after, changes]) => {
    const inWords = ({ path, before: from, after: to }: ValueChange) =>
      `${path}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`;
    expect(changesBetween(before, after).map(inWords)).toEqual(changes);
  });
});

describe('entries of others in a list that is ours alone', () => {
  const ports = (...numbers: number[]) => ({
    spec: { ports: numbers.map((port) => ({ name: `p${port}`, port, protocol: 'TCP' })) },
  });
  const cases: Record<string, [stored: unknown, foreign: boolean]> = {
    'the same ports': [ports(80, 90), false],
    'one too many': [ports(80, 90, 100), true],
    'one renumbered': [ports(80, 91), true],
    'one missing': [ports(80), false],
    'none at all': [{ spec: {} }, false],
  };
  test.each(Object.entries(cases))('%s', (_, [stored, foreign]) => {
    expect(hasForeignEntries({ spec: { ports: [{ port: 80 }, { port: 90 }] } }, stored, 'spec.ports')).toBe(foreign);
  });
});

describe('quantities', () => {
  const same: [unknown, unknown][] = [
    ['1000m', '1'],
    [1, '1'],
    [0.5, '500m'],
    ['1Gi', '1024Mi'],
    ['1G', '1000M'],
    ['1e3', '1k'],
    ['1.5Gi', '1536Mi'],
    ['0.1n', '1n'],
    ['-1', '-1000m'],
    ['.5', '500m'],
    ['5.', '5'],
  ];
  test.each(same)('%p is %p', (a, b) => expect(isSameQuantity(a, b)).toBe(true));
  test.each([
    ['1', '2'],
    ['1G', '1Gi'],
    ['1M', '1m'],
    ['1', 'one'],
    ['', ''],
  ])('%p is not %p', (a, b) => expect(isSameQuantity(a, b)).toBe(false));
  test.each(['', 'm', '1 Gi', '1Q', '--1', '1.2.3'])('%p is none', (text) =>
    expect(parseQuantity(text)).toBeUndefined(),
  );
});
