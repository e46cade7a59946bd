// Asks the server about a token: over gRPC, or at the public introspection endpoint (RFC 7662).
import { type CallOptions, ChannelCredentials, Metadata } from '@grpc/grpc-js'
import { type ActiveToken, type Decision, inactive } from './decision.js'
import {
  IntrospectionServiceClient,
  IntrospectRequest,
  type IntrospectResponse,
} from './gen/tessera/introspection/v1/introspection_service.js'
import { RevocationServiceClient } from './gen/tessera/token/v1/revocation_service.js'
import type { GrpcConnection, HttpConnection } from './options.js'

/** Asks; rejects where no answer can be had. A token that is no access token is not good. */
export interface Server {
  introspect(token: string): Promise<Decision>
  close(): void
}

const channelOptions = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
} as const

export class GrpcServer implements Server {
  readonly revocations: RevocationServiceClient
  readonly #introspection: IntrospectionServiceClient
  readonly #serviceToken: string
  readonly #timeoutMs: number

  constructor({ address, credentials, serviceToken = '' }: GrpcConnection, timeoutMs: number) {
    const { token, introspection } = typeof address === 'string' ? { token: address, introspection: address } : address
    const channelCredentials = credentials ?? ChannelCredentials.createInsecure()
    this.revocations = new RevocationServiceClient(token, channelCredentials, channelOptions)
    this.#introspection = new IntrospectionServiceClient(introspection, channelCredentials, channelOptions)
    this.#serviceToken = serviceToken
    this.#timeoutMs = timeoutMs
  }

  metadata(): Metadata {
    const metadata = new Metadata()
    if (this.#serviceToken) metadata.set('authorization', `Bearer ${this.#serviceToken}`)
    return metadata
  }

  introspect(token: string): Promise<Decision> {
    const options: CallOptions = { deadline: Date.now() + this.#timeoutMs }
    return new Promise((resolve, reject) => {
      this.#introspection.introspect(IntrospectRequest.create({ token }), this.metadata(), options, (error, answer) => {
        if (error) reject(error)
        else resolve(answer.active && answer.tokenUse === 'access_token' ? fromMessage(answer) : inactive)
      })
    })
  }

  close(): void {
    this.revocations.close()
    this.#introspection.close()
  }
}

const fromMessage = (answer: IntrospectResponse): ActiveToken => ({
  active: true,
  subject: answer.sub,
  clientId: answer.clientId,
  scope: wordsOf(answer.scope),
  audience: answer.aud,
  issuedAt: answer.iat,
  expiresAt: answer.exp,
  tokenId: answer.jti,
  grantId: answer.grantId,
  claims: answer.extJson.length > 0 ? JSON.parse(answer.extJson.toString()) : {},
  source: 'server',
})

const wordsOf = (text: string): string[] => text.split(' ').filter((word) => word !== '')

export class HttpServer implements Server {
  readonly #endpoint: string
  readonly #authorization: string
  readonly #timeoutMs: number

  constructor({ introspectionEndpoint, clientId, clientSecret }: HttpConnection, timeoutMs: number) {
    this.#endpoint = introspectionEndpoint
    // RFC 6749 2.3.1: both are encoded as in a form.
    const credentials = [clientId, clientSecret].map((text) => new URLSearchParams({ '': text }).toString().slice(1))
    this.#authorization = `Basic ${Buffer.from(credentials.join(':')).toString('base64')}`
    this.#timeoutMs = timeoutMs
  }

  async introspect(token: string): Promise<Decision> {
    const answer = await fetch(this.#endpoint, {
      method: 'POST',
      headers: { authorization: this.#authorization, accept: 'application/json' },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
      redirect: 'error',
      signal: AbortSignal.timeout(this.#timeoutMs),
    })
    if (answer.status !== 200) throw new Error(`the introspection endpoint answered ${answer.status}`)
    const said = (await answer.json()) as Record<string, unknown>
    if (typeof said.active !== 'boolean') throw new Error('the introspection endpoint answered something else')
    return said.active && said.token_use === 'access_token' ? fromJson(said) : inactive
  }

  close(): void {}
}

const fromJson = (said: Record<string, unknown>): ActiveToken => ({
  active: true,
  subject: String(said.sub ?? ''),
  clientId: String(said.client_id ?? ''),
  scope: wordsOf(String(said.scope ?? '')),
  audience: (Array.isArray(said.aud) ? said.aud : [said.aud]).filter((name) => typeof name === 'string'),
  issuedAt: Number(said.iat ?? 0),
  expiresAt: Number(said.exp ?? 0),
  tokenId: String(said.jti ?? ''),
  grantId: '',
  claims: typeof said.ext === 'object' && said.ext !== null ? { ...said.ext } : {},
  source: 'server',
})
