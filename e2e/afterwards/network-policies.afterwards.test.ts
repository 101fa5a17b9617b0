/** The NetworkPolicies of all platforms, against every connection that the node's kernel tracked while the scenarios ran. */
import { beforeAll, expect, test } from '@jest/globals';
import type { Pod } from '@orderplane/operator/runtime/index.ts';
import { figure } from '../harness/cluster.ts';
import { readFlowLog } from '../harness/network/flow-log.ts';
import { componentOf, describeConnection, flowHistory, type FlowHistory } from '../harness/network/verdict.ts';
import { announcedNode } from '../harness/node.ts';
import { STRAY_PORT } from '../harness/stray-port.ts';

/** Open, and made use of by no scenario. */
const UNUSED = [
  // A SeedJob may be of any store of its platform; the examples' are of Postgres.
  'seed → mongo:27017',
];

let history: FlowHistory;

beforeAll(async () => {
  const path = announcedNode()?.flowLogPath;
  if (!path) throw new Error('connections are recorded while all scenarios run: npm test -- e2e');
  history = flowHistory(await readFlowLog(path));
}, 60_000);

test('no connection was seen that a network plugin would have refused', () => {
  const policed = history.connections.filter(({ isPoliced }) => isPoliced);
  figure(
    'connections of pods, and those of them that policies have a say in',
    `${history.connections.length}, ${policed.length}`,
  );
  expect(policed.length).toBeGreaterThan(1_000);
  const refused = policed.filter(({ isRefused, flow }) => isRefused && flow.port !== STRAY_PORT);
  expect(refused.map(describeConnection)).toEqual([]);
});

const platformOf = ({ metadata }: Pod) => metadata.namespace === 'e2e' && metadata.labels?.['orderplane.dev/platform'];
/** One pod of each component of the platforms that the scenarios share. */
const podsOf = (platform: 'calm' | 'rough') =>
  new Map(history.pods.filter((pod) => platformOf(pod) === platform).map((pod) => [componentOf(pod), pod]));
const PORTS = [4222, 5432, 8080, 8081, 8222, 27017, 3000, 50052, 50053, 50055];

test('every connection between pods of the example that is open was made, but for one with a reason', () => {
  const seen = new Set(
    history.connections
      .filter(({ from, to }) => to && platformOf(from) && platformOf(from) === platformOf(to))
      .map(({ from, to, flow }) => `${componentOf(from)} → ${componentOf(to as Pod)}:${flow.port}`),
  );
  const pods = [...podsOf('calm')];
  expect(pods.length).toBeGreaterThanOrEqual(12);
  const open = pods.flatMap(([from, source]) =>
    pods.flatMap(([to, target]) =>
      PORTS.filter((port) => history.allows(source, target, port)).map((port) => `${from} → ${to}:${port}`),
    ),
  );
  expect(open.length).toBeGreaterThanOrEqual(18);
  expect(open.filter((connection) => !seen.has(connection))).toEqual(UNUSED);
});

test.each([
  ['storefront', 'calm', 'postgres', 5432],
  ['storefront', 'calm', 'orders', 50052],
  ['gateway', 'calm', 'nats', 4222],
  ['inventory', 'calm', 'mongo', 27017],
  ['order-query', 'calm', 'postgres', 5432],
  ['postgres', 'calm', 'orders', 50052],
  ['migrate', 'calm', 'nats', 4222],
  ['verify', 'calm', 'postgres', 5432],
  ['orders', 'rough', 'postgres', 5432],
  ['gateway', 'rough', 'orders', 50052],
  ['provision', 'rough', 'mongo', 27017],
] as const)("%s of calm does not get to %s's %s:%d", (from, platform, to, port) => {
  const [source, target] = [podsOf('calm').get(from), podsOf(platform).get(to)];
  if (!source || !target) throw new Error('the pods are not there');
  expect(history.allows(source, target, port)).toBe(false);
});
