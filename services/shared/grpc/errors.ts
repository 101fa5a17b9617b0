import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack, anyUnpack } from '@bufbuild/protobuf/wkt';
import { Metadata, type ServiceError, status as Code, type StatusObject } from '@grpc/grpc-js';
import { StatusSchema } from '@orderplane/contracts/gen/google/rpc/status_pb.js';
import { type ErrorDetail, ErrorDetailSchema } from '@orderplane/contracts/gen/orderplane/errors/v1/errors_pb.js';
import { CodedError, ERRORS, isErrorCode } from '../errors.ts';

/** Of the answer to a call that failed: a google.rpc.Status. */
const DETAILS = 'grpc-status-details-bin';

/** What a service answers with when its work failed: nothing of the cause. */
export function toWire({ code, message, field, service: atFault }: CodedError, service: string): StatusObject {
  const detail = create(ErrorDetailSchema, {
    code,
    service: atFault ?? service,
    ...(field === undefined ? {} : { field }),
  });
  const grpc = ERRORS[code].grpc;
  const details = [anyPack(ErrorDetailSchema, detail)];
  const metadata = new Metadata();
  metadata.set(DETAILS, Buffer.from(toBinary(StatusSchema, create(StatusSchema, { code: grpc, message, details }))));
  return { code: grpc, details: message, metadata };
}

/** What a failed call to `service` means here. Only messages that the service meant for clients come through. */
export function fromWire(error: unknown, service: string): CodedError {
  const detail = isServiceError(error) ? detailOf(error.metadata) : undefined;
  if (detail && isErrorCode(detail.code)) {
    const facts = { message: (error as ServiceError).details, service: detail.service || service, cause: error };
    return new CodedError(detail.code, detail.field === undefined ? facts : { ...facts, field: detail.field });
  }
  return new CodedError(codeWithoutDetail(error), { service, cause: error });
}

/** Unknown where the call did not get as far as having one. */
export function statusCodeOf(error: unknown): Code {
  return isServiceError(error) ? error.code : Code.UNKNOWN;
}

/**
 * True when the service certainly did not begin with the call: there was no connection, or it was about to close and refused the
 * stream (RFC 9113, 8.7). Such a call can be made again, whatever it does.
 */
export function wasNeverBegun(error: unknown): boolean {
  return wasTurnedAway(error) || foundNoConnection(error);
}

/** True when there was nobody to ask. */
export function foundNoConnection(error: unknown): boolean {
  return isServiceError(error) && NO_CONNECTION.test(error.details);
}

/** True when that is all that happened: the service is there, on another connection. */
export function wasTurnedAway(error: unknown): boolean {
  return isServiceError(error) && TURNED_AWAY.test(error.details);
}

// @grpc/grpc-js has no codes for these.
const NO_CONNECTION = /^No connection established|^Name resolution failed/;
const TURNED_AWAY = /^Stream refused by server|NGHTTP2_REFUSED_STREAM/;
const BROKEN_STREAM = /RST_STREAM|^No status information received/;

function detailOf(metadata: Metadata): ErrorDetail | undefined {
  const [bytes] = metadata.get(DETAILS);
  if (!(bytes instanceof Uint8Array)) return undefined;
  try {
    const [detail] = fromBinary(StatusSchema, bytes).details;
    return detail && anyUnpack(detail, ErrorDetailSchema);
  } catch {
    return undefined;
  }
}

// Services put the detail on whatever they answer: without it, it was the transport or the library that failed.
function codeWithoutDetail(error: unknown): 'SERVICE_UNAVAILABLE' | 'TIMEOUT' | 'INTERNAL' {
  if (!isServiceError(error)) return 'INTERNAL';
  if (error.code === Code.DEADLINE_EXCEEDED || error.code === Code.CANCELLED) return 'TIMEOUT';
  return error.code === Code.UNAVAILABLE || BROKEN_STREAM.test(error.details) ? 'SERVICE_UNAVAILABLE' : 'INTERNAL';
}

function isServiceError(error: unknown): error is ServiceError {
  return Error.isError(error) && 'metadata' in error && error.metadata instanceof Metadata;
}
