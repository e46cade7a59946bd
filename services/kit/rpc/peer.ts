// Who is at the other end of a call, as far as the connection tells.
import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js'

/** What is known of the connection that a call came by. */
export interface Peer {
  /** The value of the `authorization` metadata; empty if there was none. */
  readonly authorization: string
  /** The names in the client certificate that was verified; none without one. */
  readonly certificateNames: readonly string[]
  /** The address it came from. */
  readonly address: string
}

type Wire = { readonly metadata: Metadata } & Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext' | 'getPeer'>

/** Tells what is asked of it: each of these takes longer than a short call. */
export class WirePeer implements Peer {
  readonly #wire: Wire
  readonly #isTls: boolean

  constructor(wire: Wire, isTls: boolean) {
    this.#wire = wire
    this.#isTls = isTls
  }

  get authorization(): string {
    return String(this.#wire.metadata.get('authorization')[0] ?? '')
  }

  get certificateNames(): readonly string[] {
    const certificate = this.#isTls ? this.#wire.getAuthContext().sslPeerCertificate : undefined
    if (!certificate) return []
    const alternatives = certificate.subjectaltname?.split(', ').map((name) => name.replace(/^DNS:/, '')) ?? []
    return [String(certificate.subject?.CN ?? ''), ...alternatives].filter(Boolean)
  }

  get address(): string {
    return this.#wire.getPeer()
  }
}
