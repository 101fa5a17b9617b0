/** The node that tests run on, as a handle. */
import { spawn } from 'node:child_process';
import { orderplane, type Answer } from '@orderplane/operator/cli/testing/run.ts';
import { OPERATOR_NAME, OPERATOR_NAMESPACE } from '@orderplane/operator/resources/install.ts';
import {
  createClient,
  Deployments,
  Namespaces,
  Pods,
  type Client,
  type KubeObject,
  type Pod,
} from '@orderplane/operator/runtime/index.ts';
import { mutatingRequests, type AuditedRequest } from './audit.ts';
import { killContainer } from './kill.ts';
import { announcedNode, type TestNode } from './node.ts';
import { waitForObject, waitForObjects } from './watching.ts';

export interface TestCluster {
  readonly client: Client;
  /** Runs kubectl and returns what it prints; fails with its own words. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** `kubectl apply -f`: unknown fields are refused. */
  apply(objects: readonly KubeObject[]): Promise<void>;
  /** `kubectl apply -f` that has to fail: what it says. */
  refusal(object: KubeObject): Promise<string>;
  /** Runs the command line as a process of its own, as people do. */
  orderplane(args: readonly string[]): Promise<Answer>;
  readonly operator: OperatorHandle;
  /** Image of a service that is not of the release. */
  readonly ownServiceImage: string;
  /** Deletes a namespace without waiting for its end. */
  dropNamespace(name: string): Promise<void>;
  /** Returns once nothing of former tests is being deleted any more. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface OperatorHandle {
  /** kill -9 of its process; returns once another one runs and is ready. */
  kill(): Promise<void>;
  ready(): Promise<void>;
  /** What it changed since then by the API server's audit log, Leases aside. */
  mutations(since: Date, until?: Date): Promise<AuditedRequest[]>;
}

/** The shared node unless another is given, brought up if it is not there: a single scenario can be run by itself. */
export async function openCluster(given?: TestNode): Promise<TestCluster> {
  const node = given ?? announcedNode() ?? (await preparedNode());
  const client = createClient({
    kubeconfig: { path: node.kubeconfigPath, context: node.context },
    fieldManager: 'e2e',
  });
  const access = ['--kubeconfig', node.kubeconfigPath, '--context', node.context];
  const kubectl = async (args: readonly string[], input?: string) => {
    const { code, stdout, stderr } = await execute(node.kubectl, [...access, ...args], input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  return {
    client,
    kubectl,
    async apply(objects) {
      await kubectl(['apply', '-f', '-'], documents(objects));
    },
    async refusal(object) {
      const { code, stderr, stdout } = await execute(
        node.kubectl,
        [...access, 'apply', '-f', '-'],
        documents([object]),
      );
      if (code === 0) throw new Error(`the API server took it: ${stdout}`);
      return stderr;
    },
    orderplane: (args) => orderplane([...args, ...access]),
    operator: operatorHandle(client, node.auditLogPath),
    ownServiceImage: node.ownServiceImage,
    async dropNamespace(name) {
      await client.delete(Namespaces, { namespace: '', name });
    },
    async settled() {
      await waitForObjects(client, Namespaces, {}, (all) => !all.some(({ metadata }) => metadata.deletionTimestamp), {
        timeoutMs: 120_000,
        what: 'the end of the namespaces of former tests',
      });
    },
    close: () => client.close(),
  };
}

async function preparedNode(): Promise<TestNode> {
  const [{ prepareNode }, { createProgress }] = await Promise.all([
    import('./prepare.ts'),
    import('@orderplane/hack/progress.ts'),
  ]);
  return prepareNode(createProgress());
}

/** Prints a measured figure beside the tests' results. */
export function figure(what: string, value: string): void {
  process.stderr.write(`    ◦ ${what}: ${value}\n`);
}

/** As whom the audit log knows the operator. */
export const OPERATOR_USER = `system:serviceaccount:${OPERATOR_NAMESPACE}:${OPERATOR_NAME}`;

function operatorHandle(client: Client, auditLogPath: string): OperatorHandle {
  const namespace = OPERATOR_NAMESPACE;
  const labelSelector = `app.kubernetes.io/name=${OPERATOR_NAME}`;
  const running = (pods: readonly Pod[]) =>
    pods.map((pod) => pod.status?.containerStatuses?.[0]).find((status) => status?.state?.running);
  return {
    async kill() {
      const { items } = await client.list(Pods, { namespace, labelSelector });
      const containerId = running(items)?.containerID;
      if (!containerId) throw new Error('the operator does not run');
      await killContainer({ containerId });
      const isAnother = (pods: readonly Pod[]) => running(pods)?.containerID !== containerId && running(pods)?.ready;
      await waitForObjects(client, Pods, { namespace, labelSelector }, isAnother, {
        timeoutMs: 60_000,
        what: 'the restart of the operator',
      });
    },
    async ready() {
      await waitForObject(
        client,
        Deployments,
        { namespace, name: OPERATOR_NAME },
        (object) => object?.status?.availableReplicas === 1,
        {
          timeoutMs: 60_000,
          what: 'readiness of the operator',
        },
      );
    },
    mutations: (since, until) =>
      mutatingRequests({
        logPath: auditLogPath,
        user: OPERATOR_USER,
        since,
        until,
      }),
  };
}

/** As one file of several documents. Not as a List: that would be checked by kubectl's own copy of the schemas instead of by the API server. */
function documents(objects: readonly KubeObject[]): string {
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}

function execute(
  command: string,
  args: readonly string[],
  input = '',
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
