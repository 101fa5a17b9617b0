import type { DescMethod } from '@bufbuild/protobuf';
import type { SpanOptions } from '../telemetry/span.ts';

/** Of the answer, as gRPC numbers them; 0 is OK. */
export const STATUS_CODE = 'rpc.grpc.status_code';

/** A call, as either side sees it. */
export function rpcSpan(kind: 'client' | 'server', { name, parent }: DescMethod): SpanOptions {
  const attributes = { 'rpc.system': 'grpc', 'rpc.service': parent.typeName, 'rpc.method': name, [STATUS_CODE]: 0 };
  return { name: `${parent.typeName}/${name}`, kind, attributes };
}
