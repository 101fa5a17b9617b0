/** What the operator made of an object, in the words in which fields are described. */
import type { ConfigMap, Deployment, Ingress, Job, KubeObject, Secret, StatefulSet } from '../../../runtime/index.ts';

export interface Made {
  /** Any object, by its kind and name. */
  find(kind: string, name: string): KubeObject | undefined;
  /** The Deployment of a service; undefined while there is none. */
  deployment(service: string): Deployment | undefined;
  /** The one container of a service. */
  container(service: string): Container | undefined;
  /** A variable of a service. */
  env(service: string, name: string): string | undefined;
  /** The container of a store or the broker. */
  store(component: string): Container | undefined;
  /** How the platform is reached from outside. */
  ingress(): Ingress | undefined;
  /** How many NetworkPolicies there are. */
  networkPolicies(): number;
  /** The volume claim of a store or the broker. */
  claim(
    component: string,
  ): { storageClassName?: string; resources?: { requests?: Record<string, string> } } | undefined;
  /** A key of a Secret, as text. */
  secret(name: string, key: string): string | undefined;
  /** The input of the platform's newest Job of a purpose, such as provision-postgres. */
  platformRun(purpose: string): string | undefined;
  /** The newest Job of the object itself: its input, files, variables and the images that it copies files from. */
  run(): Run | undefined;
  /** How many Jobs the object itself has had. */
  runs(): number;
  /** The schedule that the status of the object itself is about. */
  scheduled(): string | undefined;
  /** What a condition of the object itself says. */
  says(type: string): string | undefined;
}

export interface Run {
  input: Record<string, unknown> & { datasets?: Record<string, unknown>[] };
  files: Readonly<Record<string, string>>;
  env: Readonly<Record<string, string>>;
  copies: string;
}

type Container = NonNullable<NonNullable<Deployment['spec']>['template']['spec']>['containers'][number];
type Conditioned = KubeObject & {
  status?: {
    conditions?: { type: string; reason: string; message: string }[];
    schedule?: { expression: string };
  };
};

/** @param self the object under test; of a platform's objects, those called shop-… are looked at */
export function madeFrom(objects: () => readonly KubeObject[], self: { kind: string; name: string }): Made {
  const find = <T extends KubeObject>(kind: string, name: string) =>
    objects().find((each) => each.kind === kind && each.metadata.name === name) as T | undefined;
  const own = () => find<Conditioned>(self.kind, self.name);
  const runsOf = (uid: string | undefined, purpose?: string) =>
    objects()
      .filter(({ kind, metadata }) => {
        const isRun = kind === 'Job' && metadata.ownerReferences?.[0]?.uid === uid;
        return isRun && (!purpose || metadata.labels?.['orderplane.dev/run-of'] === purpose);
      })
      .sort((a, b) => numberOf(b) - numberOf(a)) as Job[];
  const configOf = (job: Job | undefined) => job && find<ConfigMap>('ConfigMap', job.metadata.name);
  const deployment = (service: string) => find<Deployment>('Deployment', `shop-${service}`);
  const container = (service: string) => deployment(service)?.spec?.template.spec?.containers[0];
  return {
    find: (kind, name) => find(kind, name),
    deployment,
    container,
    env: (service, name) => container(service)?.env?.find((variable) => variable.name === name)?.value,
    store: (component) => find<StatefulSet>('StatefulSet', `shop-${component}`)?.spec?.template.spec?.containers[0],
    ingress: () => find<Ingress>('Ingress', 'shop-ingress'),
    networkPolicies: () => objects().filter(({ kind }) => kind === 'NetworkPolicy').length,
    claim: (component) => find<StatefulSet>('StatefulSet', `shop-${component}`)?.spec?.volumeClaimTemplates?.[0]?.spec,
    secret: (name, key) => Buffer.from(find<Secret>('Secret', name)?.data?.[key] ?? '', 'base64').toString(),
    platformRun: (purpose) => configOf(runsOf(find('OrderPlatform', 'shop')?.metadata.uid, purpose)[0])?.data?.['input.json'],
    run() {
      const [job] = runsOf(own()?.metadata.uid);
      const { 'input.json': input, ...files } = configOf(job)?.data ?? {};
      return job && input ? { input: JSON.parse(input), files, ...podOf(job) } : undefined;
    },
    runs: () => runsOf(own()?.metadata.uid).length,
    scheduled: () => own()?.status?.schedule?.expression,
    says(type) {
      const found = own()?.status?.conditions?.find((condition) => condition.type === type);
      return found && `${found.reason}: ${found.message}`;
    },
  };
} // prettier-ignore

const numberOf = ({ metadata }: KubeObject) => Number(metadata.labels?.['orderplane.dev/run']);

function podOf({ spec }: Job): Pick<Run, 'env' | 'copies'> {
  const pod = spec?.template.spec;
  const variables = pod?.containers[0]?.env ?? [];
  const [copy] = pod?.initContainers ?? [];
  return {
    env: Object.fromEntries(
      variables.map(({ name, value, valueFrom }) => [name, value ?? valueFrom?.secretKeyRef?.name ?? '']),
    ),
    copies: `${copy?.image} ${copy?.command?.join(' ')}`,
  };
}
