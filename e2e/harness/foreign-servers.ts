/** Stores and a broker that belong to no platform, as somebody else in the cluster might run them: bare pods, data in memory. */
import { parse } from 'yaml';
import { restrictedContainer, restrictedPod, scratch, type Container } from '@orderplane/operator/resources/pod.ts';
import { RELEASE_IMAGES } from '@orderplane/operator/resources/release-images.ts';
import { OPERATOR_NAME, OPERATOR_NAMESPACE } from '@orderplane/operator/resources/install.ts';
import { ConfigMaps, type Client, type KubeObject } from '@orderplane/operator/runtime/index.ts';

interface Foreign {
  readonly namespace: string;
  /** Of each one's administrator. */
  readonly password: string;
}

/** As administrator of each; their hosts are what pods know them by. */
export function foreignUris({ namespace, password }: Foreign) {
  const at = (name: string, user: string, port: number) => `${user}:${password}@${name}.${namespace}.svc:${port}`;
  return {
    postgres: `postgres://${at('postgres', 'postgres', 5432)}/postgres`,
    mongo: `mongodb://${at('mongo', 'root', 27017)}/?authSource=admin`,
    nats: `nats://${at('nats', 'admin', 4222)}`,
  };
}

/** Pods and Services, of the images that the operator of this cluster uses. */
export async function foreignServers(client: Client, { namespace, password }: Foreign): Promise<KubeObject[]> {
  const config = await client.get(ConfigMaps, { namespace: OPERATOR_NAMESPACE, name: OPERATOR_NAME });
  const images = { ...RELEASE_IMAGES, ...parse(config?.data?.['images.yaml'] ?? '')?.images };
  const run = scratch('run', '/var/run/postgresql');
  const tmp = scratch('tmp', '/tmp');
  const data = (mountPath: string) => scratch('data', mountPath, '1Gi');
  const server = (
    name: string,
    {
      user,
      port,
      volumes,
      ...container
    }: Pick<Container, 'image' | 'args' | 'env'> & {
      user: number;
      port: number;
      volumes: ReturnType<typeof scratch>[];
    },
  ): KubeObject[] => {
    const metadata = { name, namespace, labels: { server: name } };
    const main = restrictedContainer({
      name: 'main',
      ...container,
      volumeMounts: volumes.map(({ mount }) => mount),
      readinessProbe: { tcpSocket: { port: port as never }, periodSeconds: 1 },
    });
    const pod = restrictedPod(user, { containers: [main], volumes: volumes.map(({ volume }) => volume) });
    const service = { selector: metadata.labels, ports: [{ port }] };
    return [
      { apiVersion: 'v1', kind: 'Pod', metadata, spec: pod } as KubeObject,
      { apiVersion: 'v1', kind: 'Service', metadata, spec: service } as KubeObject,
    ];
  };
  return [
    ...server('postgres', {
      image: images.postgres,
      user: 999,
      port: 5432,
      env: [
        { name: 'POSTGRES_PASSWORD', value: password },
        { name: 'PGDATA', value: '/var/lib/postgresql/data/pgdata' },
      ],
      volumes: [data('/var/lib/postgresql/data'), run, tmp],
    }),
    ...server('mongo', {
      image: images.mongo,
      user: 999,
      port: 27017,
      args: ['mongod', '--bind_ip_all'],
      env: [
        { name: 'MONGO_INITDB_ROOT_USERNAME', value: 'root' },
        { name: 'MONGO_INITDB_ROOT_PASSWORD', value: password },
      ],
      volumes: [data('/data/db'), tmp],
    }),
    ...server('nats', {
      image: images.nats,
      user: 65532,
      port: 4222,
      args: ['-js', '-sd', '/data', '--user', 'admin', '--pass', password],
      volumes: [data('/data')],
    }),
  ];
}
