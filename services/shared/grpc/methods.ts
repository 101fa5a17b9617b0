import type { DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';

/** The methods of a service, to be called. Each fails with a CodedError that names the service at fault. */
export type Client<Service extends DescService> = {
  readonly [Name in keyof Service['method']]: Call<Service['method'][Name]>;
};

export interface CallOptions {
  /** How long this call may take, whatever others may. */
  readonly timeoutMs?: number;
}

type Call<Method extends DescMethod> = (
  request: MessageInitShape<Method['input']>,
  options?: CallOptions,
) => Promise<MessageShape<Method['output']>>;

/** The methods of a service, as it does them. What is no CodedError reaches callers as INTERNAL. */
export type ServiceImpl<Service extends DescService> = {
  readonly [Name in keyof Service['method']]: Handler<Service['method'][Name]>;
};

type Handler<Method extends DescMethod> = (
  request: MessageShape<Method['input']>,
  call: CallContext,
) => Answer<Method> | Promise<Answer<Method>>;

type Answer<Method extends DescMethod> = MessageInitShape<Method['output']>;

export interface CallContext {
  /** Aborted once nobody waits for the answer any more: the caller is gone, or its deadline is over. */
  readonly signal: AbortSignal;
}

/** Where a method is found. */
export function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

/** As @grpc/grpc-js wants them, not copied. */
export function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** All methods of a service. Throws where there is one that streams: those are not served. */
export function unaryMethods({ typeName, methods }: DescService): readonly DescMethod[] {
  const streaming = methods.find(({ methodKind }) => methodKind !== 'unary');
  if (streaming) throw new Error(`${typeName}.${streaming.localName}: only unary methods are served`);
  return methods;
}
