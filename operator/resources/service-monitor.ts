import type { KubeObject } from '../runtime/resource.ts';
import { ownedMetadata, PLATFORM_LABEL } from './labels.ts';
import { componentName } from './names.ts';
import type { Platform } from './platform.ts';

/** A kind of prometheus-operator, which a cluster may not have. */
export interface ServiceMonitor extends KubeObject {
  spec: {
    selector: { matchLabels: Record<string, string> };
    endpoints: { port: string; path: string; honorLabels: boolean; interval?: string }[];
  };
}

/** Tells Prometheus of every service that has a management port; undefined where metrics are not asked for. */
export function serviceMonitor(platform: Platform): ServiceMonitor | undefined {
  const { metrics } = platform;
  if (!metrics) return undefined;
  const metadata = ownedMetadata(platform, componentName(platform.name, 'services'), 'services', 'edge');
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: { ...metadata, labels: { ...metrics.labels, ...metadata.labels } },
    spec: {
      selector: { matchLabels: { 'app.kubernetes.io/component': 'service', [PLATFORM_LABEL]: platform.name } },
      endpoints: [
        {
          port: 'management',
          path: '/metrics',
          // `service` and `endpoint` are labels of the services' own, and would become exported_service and exported_endpoint.
          honorLabels: true,
          ...(metrics.interval && { interval: metrics.interval }),
        },
      ],
    },
  };
}
