/** Which cluster a command talks to, said as kubectl says it, and its troubles put in words. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { createClient, type Client } from '../runtime/client.ts';
import type { KubeconfigSource } from '../runtime/credentials.ts';
import { ApiError } from '../runtime/errors.ts';
import { findCluster } from './kubeconfig.ts';

export interface ClusterFlags {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
}

/** A cluster that a command talks to. Nothing has been asked of it yet. */
export interface ClusterAccess {
  client: Client;
  /** Name of the kubeconfig's context; `in-cluster` in a pod. */
  context: string;
  server: string;
  /** The one that was asked for, else the context's own, else `default`. */
  namespace: string;
  /** Where its address and login come from. */
  source: KubeconfigSource;
}

/** Who writes what the command line writes. */
export const CLI_FIELD_MANAGER = 'orderplane-cli';

/** Adds kubectl's own options for finding a cluster. @param namespaced whether a namespace means anything to the command */
export function withClusterOptions(command: Command, namespaced = true): Command {
  command
    .option('--kubeconfig <path>', 'kubeconfig to use; by default $KUBECONFIG, else ~/.kube/config')
    .option('--context <name>', 'context of the kubeconfig; by default its current one');
  if (namespaced) command.option('-n, --namespace <name>', "namespace; by default the context's own");
  return command;
}

/** Opens the cluster that the flags name, closes it after the work, and says in words what was wrong with it. */
export async function withCluster<T>(flags: ClusterFlags, work: (cluster: ClusterAccess) => Promise<T>): Promise<T> {
  const cluster = await openCluster(flags);
  try {
    return await work(cluster);
  } catch (error) {
    throw explained(error, cluster);
  } finally {
    await cluster.client.close();
  }
}

const SERVICE_ACCOUNT_NAMESPACE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

async function openCluster({ kubeconfig: path, context, namespace }: ClusterFlags): Promise<ClusterAccess> {
  const named = { fieldManager: CLI_FIELD_MANAGER, userAgent: 'orderplane' };
  if (!path && !context && !process.env.KUBECONFIG && existsSync(SERVICE_ACCOUNT_NAMESPACE)) {
    return {
      client: createClient({ kubeconfig: {}, ...named }),
      context: 'in-cluster',
      server: `https://${process.env.KUBERNETES_SERVICE_HOST}`,
      namespace: namespace ?? (await readFile(SERVICE_ACCOUNT_NAMESPACE, 'utf8')).trim(),
      source: {},
    };
  }
  const found = await findCluster({ ...(path && { path }), ...(context && { context }) });
  return {
    client: createClient({ kubeconfig: found.source, ...named }),
    context: found.context,
    server: found.server,
    namespace: namespace ?? found.namespace ?? 'default',
    source: found.source,
  };
}

/** Limits what a person waits for a first answer. */
export function firstAnswer(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(10_000) };
}

const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ECONNRESET']);
/** What an API server says of a kind that it does not have. */
const UNKNOWN_KIND = /404 page not found|could not find the requested resource/;

/** The error, with what to do where that is known. */
function explained(error: unknown, { context, server }: Pick<ClusterAccess, 'context' | 'server'>): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { code = '' } = error as { code?: string };
  const at = `the cluster of context "${context}" (${server})`;
  if (UNREACHABLE.has(code)) {
    const advice = 'start it (`orderplane up` for the local one), or choose another with --context';
    return new Error(`${at} cannot be reached: ${error.message}\n  ${advice}`, { cause: error });
  }
  if (error.name === 'TimeoutError' || code === 'UND_ERR_CONNECT_TIMEOUT') {
    return new Error(`${at} does not answer: is it up, and reachable from here?`, { cause: error });
  }
  if (/CERT|SELF_SIGNED|ERR_TLS/.test(code)) {
    return new Error(`${at} shows a certificate that the kubeconfig does not trust: ${error.message}`, {
      cause: error,
    });
  }
  return error instanceof ApiError ? explainedRefusal(error, at) : error;
}

function explainedRefusal(error: ApiError, at: string): Error {
  const { status, message } = error;
  if (status === 401)
    return new Error(`${at} does not accept the login of this context: log in anew`, { cause: error });
  if (status === 403) {
    return new Error(`${message}\n  ask for the right, or use another --context`, { cause: error });
  }
  if (status === 404 && UNKNOWN_KIND.test(message)) {
    return new Error(`${at} has no OrderPlatforms: the operator is not installed there\n  orderplane install`, {
      cause: error,
    });
  }
  return error;
}
