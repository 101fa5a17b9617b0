import { z } from 'zod';
import { objectName } from './fields.ts';
import { exactlyOne, withRules } from './rules.ts';

/** A path as an Ingress has it: everything below it is meant too. */
const routePath = z
  .string()
  .max(200)
  .regex(/^\/([A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*)?$/);

export const routes = z.array(routePath).max(20).meta({
  description:
    'Paths that spec.exposure leads to this service, with everything below them, such as /reports. The longest path wins. Left out, they are those of the release; a service of your own has none.',
  'x-kubernetes-list-type': 'set',
});

const host = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/);

const tls = exactlyOne(
  z.object({
    clusterIssuer: objectName
      .optional()
      .describe('ClusterIssuer of cert-manager that makes the certificate; it is kept in the Secret <platform>-tls.'),
    secretName: objectName
      .optional()
      .describe('Secret of your own, in the same namespace, with the keys tls.crt and tls.key.'),
  }),
  ['clusterIssuer', 'secretName'],
  'set exactly one of clusterIssuer and secretName for tls',
);

const ingress = z.object({
  host: host.describe('DNS name that the platform is reached by, such as shop.example.com.'),
  className: objectName
    .optional()
    .describe("IngressClass that serves it. Left out, it is the cluster's default class."),
  tls: tls.optional().describe('Where the certificate comes from. Left out, the platform is served without TLS.'),
  requestsPerMinute: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe(
      'Requests that one client address may send in a minute, before it is answered 503. It is an annotation of ingress-nginx: other controllers do not act on it. Left out, there is no limit.',
    ),
});
export type IngressSpec = z.infer<typeof ingress>;

export const exposure = z
  .object({
    ingress: ingress
      .optional()
      .describe('An Ingress that leads one host to the services, each by the paths that it serves.'),
  })
  .describe('How the platform is reached from outside of the cluster. Left out, it is not.');

export const networkPolicy = z
  .object({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        "Whether the platform's pods are closed off from each other and from everything else, apart from DNS and what needs, exposure and observability ask for. Other pods of the namespace are left alone. NetworkPolicies add up: a service that calls something else is opened by one of your own.",
      ),
  })
  .describe(
    'NetworkPolicies from the needs of the services; enforced where the network plugin of the cluster does so.',
  );

const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

const monitorLabels = withRules(
  z.record(z.string().max(253), z.string().max(63).regex(LABEL_VALUE)).meta({
    description:
      "Labels of the ServiceMonitor, for a Prometheus that selects by them, such as {release: kube-prometheus-stack}. The operator's own cannot be changed.",
    maxProperties: 20,
  }),
  [
    {
      cel: `self.all(name, name.matches(r'${LABEL_NAME.source}'))`,
      message:
        'the name of a label has letters, digits, dashes, underscores and dots, after an optional prefix such as example.com/',
      holds: (value) => Object.keys(value).every((name) => LABEL_NAME.test(name)),
    },
    {
      cel: "!self.exists(name, name.startsWith('orderplane.dev/') || name.startsWith('app.kubernetes.io/'))",
      message: 'labels under orderplane.dev/ and app.kubernetes.io/ are set by the operator',
      holds: (value) => !Object.keys(value).some((name) => /^(orderplane\.dev|app\.kubernetes\.io)\//.test(name)),
    },
  ],
);

const metrics = z.object({
  interval: z
    .string()
    .max(8)
    .regex(/^[1-9][0-9]*(ms|s|m)$/)
    .optional()
    .describe("How often metrics are collected, such as 30s. Left out, it is Prometheus's own interval."),
  labels: monitorLabels.optional(),
});
export type MetricsSpec = z.infer<typeof metrics>;

const PORT = '([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';
/** Without user, query and fragment: the address is in the environment of the pods. */
const COLLECTOR = new RegExp(
  `^https?://(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?)(:${PORT})?(/[-A-Za-z0-9._~/]*)?$`,
);

const tracing = z.object({
  otlpEndpoint: z
    .string()
    .max(300)
    .regex(COLLECTOR)
    .describe(
      'Base address of the collector, which takes OTLP over HTTP at /v1/traces below it, such as http://collector.monitoring:4318. With NetworkPolicies, its port has to be the one that the pods of the collector listen on.',
    ),
  samplingPercent: z
    .int()
    .min(0)
    .max(100)
    .default(100)
    .describe(
      'How many of a hundred traces are collected, of those that begin here. Who calls with a trace of its own has decided for it.',
    ),
});
export type TracingSpec = z.infer<typeof tracing>;

export const observability = z
  .object({
    metrics: metrics
      .optional()
      .describe(
        'Has the metrics of the services collected by Prometheus: a ServiceMonitor, where the cluster has that kind (monitoring.coreos.com/v1), and a way for it through the NetworkPolicies.',
      ),
    tracing: tracing
      .optional()
      .describe(
        "Has traces of the platform's requests collected: the services send theirs to a collector, and the NetworkPolicies let them. Services of your own get the same variables (OTEL_EXPORTER_OTLP_ENDPOINT and others), which SDKs of OpenTelemetry read. Left out, nothing is collected.",
      ),
  })
  .describe('What is told of the platform, to whom.');
