import { describe, expect, test } from '@jest/globals';
import { cgroupMounts, managingMounts } from './cgroups.ts';
import { parseNameservers } from './host-network.ts';
import { restartDelayMs } from './node/keep.ts';
import { cgroupControllers, kernelVersion, memory } from './preflight.ts';

describe('managingMounts', () => {
  const v1 = 'cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n';
  test.each([
    ['all of version 1', v1, ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/cpu']],
    [
      'version 1 where both exist',
      `${v1}cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n`,
      ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/cpu'],
    ],
    ['the one of version 2', 'proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n', ['/sys/fs/cgroup']],
  ])('%s', (_, mounts, expected) => {
    expect(managingMounts(cgroupMounts(mounts)).map((mount) => mount.path)).toEqual(expected);
  });
});

test.each([
  ['plain ones', 'nameserver 192.0.2.53\nsearch example\nnameserver 192.0.2.54\n', ['192.0.2.53', '192.0.2.54']],
  ['none on the loopback, which means another host inside the node', 'nameserver 127.0.0.53\noptions edns0\n', []],
  ['no comments', '# nameserver 192.0.2.1\n', []],
])('name servers: %s', (_, text, expected) => {
  expect(parseNameservers(text)).toEqual(expected);
});

test('a component that keeps failing is started ever later, up to five seconds', () => {
  expect([1, 2, 3, 4, 5, 6, 50].map(restartDelayMs)).toEqual([200, 400, 800, 1600, 3200, 5000, 5000]);
});

describe('preflight', () => {
  test.each([
    ['an old kernel', kernelVersion('5.10.0-32-amd64'), false],
    ['the oldest kernel that will do', kernelVersion('5.13.0'), true],
    ['a later major', kernelVersion('6.1.0-40-amd64'), true],
    ['too little memory', memory(3.9 * 1024 ** 3), false],
    ['a missing controller', cgroupControllers(['cpu', 'cpuset', 'pids', 'io']), false],
    ['more controllers than needed', cgroupControllers(['cpu', 'cpuset', 'memory', 'pids', 'rdma']), true],
  ])('%s', (_, check, ok) => {
    expect(check.ok).toBe(ok);
    expect(check.todo === undefined).toBe(ok);
  });
});
