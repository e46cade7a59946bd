// What a resource server says about itself and about the server whose tokens it takes.
import type { ChannelCredentials } from '@grpc/grpc-js'

/** Told of what goes wrong in the background and is tried again; never of a token. */
export type OnTrouble = (what: string, cause: unknown) => void

/** The gRPC services: with their feed, JWT access tokens are decided locally. */
export interface GrpcConnection {
  /** `host:port` or a gRPC name, of all services or of each. */
  readonly address: string | { readonly token: string; readonly introspection: string }
  /** Where the server has certificates; else plain text. A client certificate says who calls. */
  readonly credentials?: ChannelCredentials
  /** What `tessera service-token resource_server` prints; not needed with a client certificate, nor on the loopback. */
  readonly serviceToken?: string
}

/** The public introspection endpoint (RFC 7662), where no gRPC is offered: every token is asked about. */
export interface HttpConnection {
  readonly introspectionEndpoint: string
  /** A confidential client. */
  readonly clientId: string
  readonly clientSecret: string
}

interface CommonOptions {
  /** The issuer, exactly as its tokens have it. */
  readonly issuer: string
  /**
   * What this resource server is called in tokens (RFC 9068 section 4): a token must name one of these. `null`: whatever
   * audience a token names, or none, for servers whose clients ask for none.
   */
  readonly audience: string | readonly string[] | null
  /** How far an answer from memory may be behind, in milliseconds; 1,000 unless said otherwise. */
  readonly maxStalenessMs?: number
  /** How far the issuer's clock may be ahead, in seconds; 60 unless said otherwise. Nothing lives longer for it. */
  readonly clockSkewSeconds?: number
  /** Where the keys are published; `/.well-known/jwks.json` below the issuer unless said otherwise. */
  readonly jwksUri?: string
  /** Milliseconds that the server is given to answer; 2,000 unless said otherwise. */
  readonly timeoutMs?: number
  readonly onTrouble?: OnTrouble
}

export type IntrospectorOptions = CommonOptions &
  ({ readonly grpc: GrpcConnection; readonly http?: never } | { readonly http: HttpConnection; readonly grpc?: never })
