/** The environment of a service as its pods have it, made to work on this machine. */
import { ConfigMaps, Secrets, type Client, type Deployment } from '@orderplane/operator/runtime/index.ts';
import { createSecrets, passwordOf } from '@orderplane/operator/jobs/secrets.ts';
import type { Reach } from './reach.ts';

export interface Variable {
  name: string;
  value: string;
  /** As it may be printed. */
  shown: string;
}

type EnvironmentVariable = NonNullable<
  NonNullable<NonNullable<Deployment['spec']>['template']['spec']>['containers'][number]['env']
>[number];

/** The variables of a Deployment's first container, in-cluster addresses replaced by ones that work here. */
export async function serviceEnvironment(client: Client, deployment: Deployment, reach: Reach): Promise<Variable[]> {
  const namespace = deployment.metadata.namespace ?? '';
  const variables: Variable[] = [];
  for (const variable of deployment.spec?.template.spec?.containers[0]?.env ?? []) {
    const raw = await readValue(client, namespace, variable);
    if (raw === undefined) continue;
    const value = await replaceAddress(raw, namespace, reach);
    variables.push({ name: variable.name, value, shown: shownValue(value, Boolean(variable.valueFrom?.secretKeyRef)) });
  }
  return variables;
}

/** undefined for what only a pod has, such as its own address. */
async function readValue(
  client: Client,
  namespace: string,
  variable: EnvironmentVariable,
): Promise<string | undefined> {
  const { secretKeyRef, configMapKeyRef } = variable.valueFrom ?? {};
  if (secretKeyRef) {
    const secret = await client.get(Secrets, { namespace, name: secretKeyRef.name ?? '' });
    const encoded = secret?.data?.[secretKeyRef.key];
    if (encoded === undefined && !secretKeyRef.optional) {
      throw new Error(`${variable.name}: Secret ${namespace}/${secretKeyRef.name} has no key ${secretKeyRef.key}`);
    }
    return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString();
  }
  if (configMapKeyRef) {
    const config = await client.get(ConfigMaps, { namespace, name: configMapKeyRef.name ?? '' });
    return config?.data?.[configMapKeyRef.key];
  }
  return variable.value;
}

/** A URI whose host is a Service of the cluster gets the address under which `reach` makes it available. */
async function replaceAddress(value: string, namespace: string, reach: Reach): Promise<string> {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? URL.parse(value) : null;
  if (!url?.hostname || !url.port) return value;
  const [name = '', serviceNamespace = namespace, svc] = url.hostname.split('.');
  if (svc !== undefined && svc !== 'svc') return value;
  const address = await reach({ namespace: serviceNamespace, name }, Number(url.port));
  // As text: URL would rewrite what it knows better about (an empty path, characters of a password).
  return address ? value.replace(url.host, `${address.host}:${address.port}`) : value;
}

function shownValue(value: string, isSecret: boolean): string {
  if (passwordOf(value)) return createSecrets().mask(value);
  return isSecret && !value.includes('://') ? '***' : value;
}
