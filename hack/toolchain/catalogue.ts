import type { ModulePatch } from './patched.ts';
import { versions } from '../versions.ts';

/** A program built from a folder of hack/toolchain/go. */
export interface GoTool {
  kind: 'go';
  /** Folder below hack/toolchain/go. */
  folder: string;
  version: string;
  /** What `go build` is given: a package path, or `.` for the folder's own main. */
  package: string;
  ldflags: string;
  tags?: string;
  patch?: ModulePatch;
  /** Seconds of a build without any cache on two cores, for the time left. */
  coldSeconds: number;
  release?: OfficialRelease;
}

/** Where the project behind a tool publishes its binary, with a file that holds its SHA-256. */
export interface OfficialRelease {
  url: string;
  checksumUrl: string;
  /** Path of the binary inside of the archive; absent where the download is the binary itself. */
  member?: string;
}

/** A program that a Debian package carries. */
export interface DebianTool {
  kind: 'debian';
  program: string;
  package: string;
}

const STRIP = '-s -w';

function kubernetes(name: string, coldSeconds: number): GoTool {
  const version = versions().kubernetes;
  const [major, minor] = version.split('.');
  const stamp = 'k8s.io/component-base/version';
  const url = `https://dl.k8s.io/release/v${version}/bin/linux/amd64/${name}`;
  return {
    kind: 'go',
    folder: 'kubernetes',
    version,
    package: `k8s.io/kubernetes/cmd/${name}`,
    // Without these the version reads v0.0.0, which clients and kubelets compare.
    ldflags: `${STRIP} -X ${stamp}.gitVersion=v${version} -X ${stamp}.gitMajor=${major} -X ${stamp}.gitMinor=${minor}`,
    coldSeconds,
    release: { url, checksumUrl: `${url}.sha256` },
  };
}

function natsServer(): GoTool {
  const version = versions().tools.natsServer;
  const releases = `https://github.com/nats-io/nats-server/releases/download/v${version}`;
  const name = `nats-server-v${version}-linux-amd64`;
  return {
    kind: 'go',
    folder: 'nats-server',
    version,
    package: 'github.com/nats-io/nats-server/v2',
    ldflags: STRIP,
    coldSeconds: 25,
    release: {
      url: `${releases}/${name}.tar.gz`,
      checksumUrl: `${releases}/SHA256SUMS`,
      member: `${name}/nats-server`,
    },
  };
}

function coredns(): GoTool {
  const version = versions().tools.coredns;
  const url = `https://github.com/coredns/coredns/releases/download/v${version}/coredns_${version}_linux_amd64.tgz`;
  return {
    kind: 'go',
    folder: 'coredns',
    version,
    package: '.',
    ldflags: STRIP,
    coldSeconds: 100,
    release: { url, checksumUrl: `${url}.sha256`, member: 'coredns' },
  };
}

function ferretdb(): GoTool {
  return {
    kind: 'go',
    folder: 'ferretdb',
    version: versions().tools.ferretdb,
    package: '.',
    ldflags: STRIP,
    tags: 'ferretdb_no_sqlite',
    // Without it a document is looked for by its _id in the whole collection: 10 ms among 10,000.
    patch: { module: 'github.com/FerretDB/FerretDB', file: 'find-ids-by-index.patch' },
    coldSeconds: 45,
  };
}

/** Our own: what holds a pod's namespaces. Its source is in its folder, so it has no version but its content. */
function pause(): GoTool {
  return { kind: 'go', folder: 'pause', version: versions().release, package: '.', ldflags: STRIP, coldSeconds: 5 };
}

const debian = (program: string, packageName: string = program): DebianTool => ({
  kind: 'debian',
  program,
  package: packageName,
});

/** Every program that the local cluster, the images and the tests run, in the order in which missing ones are best made. */
export const TOOLS = {
  'nats-server': natsServer(),
  ferretdb: ferretdb(),
  // The first one compiles most of what the other Kubernetes programs share.
  'kube-apiserver': kubernetes('kube-apiserver', 300),
  'kube-controller-manager': kubernetes('kube-controller-manager', 80),
  'kube-scheduler': kubernetes('kube-scheduler', 10),
  kubelet: kubernetes('kubelet', 30),
  'kube-proxy': kubernetes('kube-proxy', 15),
  kubectl: kubernetes('kubectl', 60),
  coredns: coredns(),
  pause: pause(),
  etcd: debian('etcd', 'etcd-server'),
  containerd: debian('containerd'),
  ctr: debian('ctr', 'containerd'),
  runc: debian('runc'),
  buildah: debian('buildah'),
  mmdebstrap: debian('mmdebstrap'),
  iptables: debian('iptables'),
  nft: debian('nft', 'nftables'),
  conntrack: debian('conntrack'),
  ip: debian('ip', 'iproute2'),
  socat: debian('socat'),
  'redis-server': debian('redis-server'),
  patch: debian('patch'),
  h2load: debian('h2load', 'nghttp2-client'),
} as const satisfies Record<string, GoTool | DebianTool>;

export type ToolName = keyof typeof TOOLS;
