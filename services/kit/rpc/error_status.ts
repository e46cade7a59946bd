// An OAuthError as a gRPC status with one typed detail (google.rpc.Status in `grpc-status-details-bin`), and back.
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { OAuthError as OAuthErrorMessage } from '#proto/oauth/v1/oauth_error.js'
import { kindOf, OAuthError } from '../oauth_error.js'

const detailsKey = 'grpc-status-details-bin'
const typeUrl = 'type.googleapis.com/tessera.oauth.v1.OAuthError'

/** What grpc-js wants of a failed call. */
export function toStatus(error: OAuthError): Partial<ServiceError> {
  const code = kindOf(error.code).grpc
  const { description, hint, retryAfter, redirectTo } = error
  const detail = OAuthErrorMessage.encode({ code: error.code, description, hint, retryAfter, redirectTo }).finish()
  const any = new BinaryWriter().uint32(10).string(typeUrl).uint32(18).bytes(detail).finish()
  const encoded = new BinaryWriter()
    .uint32(8)
    .int32(code)
    .uint32(18)
    .string(error.message)
    .uint32(26)
    .bytes(any)
    .finish()
  const metadata = new Metadata()
  metadata.set(detailsKey, Buffer.from(encoded))
  return { code, details: error.message, metadata }
}

/** The typed detail of a failed call; a failure without one is an outage or a fault, never a verdict. */
export function fromStatus(thrown: unknown): OAuthError {
  const failure = thrown as Partial<ServiceError>
  const encoded = failure.metadata?.get(detailsKey)[0]
  const detail = Buffer.isBuffer(encoded) ? detailOf(encoded) : undefined
  if (detail) {
    const { code, description, hint, retryAfter, redirectTo } = detail
    return new OAuthError(code, description, { hint, retryAfter, redirectTo, cause: thrown })
  }
  const code = codeWithoutDetail.get(failure.code ?? status.UNKNOWN) ?? 'server_error'
  return new OAuthError(code, undefined, { cause: thrown })
}

const codeWithoutDetail = new Map<status, string>([
  [status.UNAVAILABLE, 'temporarily_unavailable'],
  [status.DEADLINE_EXCEEDED, 'temporarily_unavailable'],
  [status.CANCELLED, 'temporarily_unavailable'],
  [status.RESOURCE_EXHAUSTED, 'payload_too_large'],
  [status.UNAUTHENTICATED, 'request_unauthorized'],
  [status.PERMISSION_DENIED, 'request_forbidden'],
])

function detailOf(encoded: Uint8Array): OAuthErrorMessage | undefined {
  const any = lengthDelimited(encoded, 3)
  const value = any && lengthDelimited(any, 2)
  return value && OAuthErrorMessage.decode(value)
}

function lengthDelimited(message: Uint8Array, field: number): Uint8Array | undefined {
  const reader = new BinaryReader(message)
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    if (number === field) return reader.bytes()
    reader.skip(wireType)
  }
  return undefined
}
