import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '@orderplane/contracts/gen/orderplane/errors/v1/errors_pb.js';
import { CodedError, ERRORS, isErrorCode } from '../errors.ts';

/** What a service answers with when its work failed: the coded error where it is one, or else INTERNAL and nothing more. */
export function toWire(error: unknown, service: string): ConnectError {
  if (error instanceof ConnectError) return error;
  const coded = error instanceof CodedError ? error : new CodedError('INTERNAL', { cause: error });
  const value = { code: coded.code, service: coded.service ?? service, field: coded.field };
  return new ConnectError(
    coded.message,
    ERRORS[coded.code].grpc,
    undefined,
    [{ desc: ErrorDetailSchema, value }],
    error,
  );
}

/** What a failed call to `service` means here. Only messages that the service meant for clients come through. */
export function fromWire(error: unknown, service: string): CodedError {
  const failure = ConnectError.from(error);
  const detail = failure.findDetails(ErrorDetailSchema)[0];
  if (detail && isErrorCode(detail.code)) {
    const facts = { message: failure.rawMessage, service: detail.service || service, cause: error };
    return new CodedError(detail.code, detail.field === undefined ? facts : { ...facts, field: detail.field });
  }
  return new CodedError(codeWithoutDetail(failure), { service, cause: error });
}

/**
 * True when the service certainly did not begin with the call: there was no connection, or it was about to close and refused the
 * stream (RFC 9113, 8.7). Such a call can be made again, whatever it does.
 */
export function wasNeverBegun(error: unknown): boolean {
  return wasTurnedAway(error) || causes(error).some(({ code }) => code === 'ECONNREFUSED');
}

/** True when that is all that happened: the service is there, on another connection. */
export function wasTurnedAway(error: unknown): boolean {
  return causes(error).some(
    ({ code, message }) => code === 'ERR_HTTP2_GOAWAY_SESSION' || message.includes('NGHTTP2_REFUSED_STREAM'),
  );
}

// Services put the detail on whatever they answer: without it, it was the transport or the library that failed.
function codeWithoutDetail(failure: ConnectError): 'SERVICE_UNAVAILABLE' | 'TIMEOUT' | 'INTERNAL' {
  const { code } = failure;
  if (code === Code.DeadlineExceeded || code === Code.Canceled) return 'TIMEOUT';
  return code === Code.Unavailable || causes(failure).some(isOfTransport) ? 'SERVICE_UNAVAILABLE' : 'INTERNAL';
}

function isOfTransport({ code }: { code?: unknown }): boolean {
  return typeof code === 'string' && /^(?:E[A-Z]+|ERR_HTTP2_\w+|ERR_STREAM_PREMATURE_CLOSE)$/.test(code);
}

/** The error and what caused it, outermost first. */
function causes(error: unknown): (Error & { code?: unknown })[] {
  return Error.isError(error) ? [error, ...causes(error.cause)] : [];
}
