/** What a test needs to know of the node. It travels to Jest's process in the environment. */
export interface TestNode {
  readonly kubeconfigPath: string;
  readonly context: string;
  readonly auditLogPath: string;
  /** Where the connections of its pods are written to while `npm test` runs the scenarios: network/flow-log.ts. */
  readonly flowLogPath: string;
  /** Path of the program. */
  readonly kubectl: string;
  /** Image of a service that is not of the release: fixtures/own-service. */
  readonly ownServiceImage: string;
}

const VARIABLE = 'ORDERPLANE_TEST_NODE';

/** Tells this process, and those that it starts from now on. */
export function announceNode(node: TestNode | undefined): void {
  if (node) process.env[VARIABLE] = JSON.stringify(node);
  else delete process.env[VARIABLE];
}

/** Undefined when nobody has prepared a node for this process. */
export function announcedNode(): TestNode | undefined {
  const text = process.env[VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as TestNode);
}
