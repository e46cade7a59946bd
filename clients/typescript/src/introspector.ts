// Decides whether a token is good: from memory while that is fresh enough, else by asking the server; where neither can
// tell it says so. An outage is never a verdict.
import { type ActiveToken, type Decision, IntrospectionUnavailable, inactive } from './decision.js'
import { hasJwtForm, JwtAccessTokens, type VerifiedToken } from './jwt_access_token.js'
import type { IntrospectorOptions } from './options.js'
import { PublishedKeys } from './published_keys.js'
import { RevocationFeed } from './revocation_feed.js'
import { GrpcServer, HttpServer, type Server } from './server.js'

/** For monitoring. */
export interface IntrospectorStatus {
  /** Whether JWT access tokens are decided from memory now. */
  readonly ready: boolean
  /** How far memory is behind, in milliseconds; infinite before it is known. */
  readonly stalenessMs: number
  /** Revocations in memory. */
  readonly revocations: number
  /** The revision of the keys that are known. */
  readonly keysRevision: string
  /** How often the server was asked about a token. */
  readonly asked: number
  /** How often the feed could not go on from where it was left, and was read from its beginning. */
  readonly resets: number
}

const longestToken = 256 * 1024

export class Introspector {
  readonly #audience: readonly string[] | null
  readonly #maxStalenessMs: number
  readonly #clockSkewSeconds: number
  readonly #server: Server
  readonly #memory: Memory | undefined
  #asked = 0
  readonly #waiting = new Set<() => void>()

  constructor(options: IntrospectorOptions) {
    const { audience, maxStalenessMs = 1_000, clockSkewSeconds = 60, timeoutMs = 2_000, grpc, http } = options
    this.#audience = typeof audience === 'string' ? [audience] : audience
    this.#maxStalenessMs = maxStalenessMs
    this.#clockSkewSeconds = clockSkewSeconds
    if (grpc) {
      const server = new GrpcServer(grpc, timeoutMs)
      this.#server = server
      this.#memory = openMemory(options, server, () => this.#wake())
    } else this.#server = new HttpServer(http, timeoutMs)
  }

  /** Begins to follow the server; resolves when tokens are decided from memory, rejects when the signal says so. */
  async start({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (!this.#memory) return
    this.#memory.feed.start()
    this.#memory.keys.follow('')
    while (!this.#isReady(this.#memory)) {
      signal?.throwIfAborted()
      await this.#nextNews(signal)
    }
  }

  /** Ends the feed and closes the connections. */
  async stop(): Promise<void> {
    await this.#memory?.feed.stop()
    this.#server.close()
  }

  status(): IntrospectorStatus {
    const { feed, keys } = this.#memory ?? {}
    return {
      ready: this.#memory ? this.#isReady(this.#memory) : true,
      stalenessMs: feed?.stalenessMs() ?? Number.POSITIVE_INFINITY,
      revocations: feed?.index.size ?? 0,
      keysRevision: keys?.revision ?? '',
      asked: this.#asked,
      resets: feed?.resets ?? 0,
    }
  }

  /** Rejects with `IntrospectionUnavailable` where it cannot be known. */
  async introspect(token: string): Promise<Decision> {
    if (token === '' || token.length > longestToken) return inactive
    const memory = this.#memory
    if (!memory || !hasJwtForm(token)) return this.#ask(token)
    const read = await memory.tokens.read(token, this.#isFresh(memory) ? memory.feed.keysRevision : '')
    if (read === 'unsure') return this.#ask(token)
    if (!read || !this.#isCurrent(read) || !this.#isMeantForUs(read.audience)) return inactive
    // What was revoked stays so, however stale memory is.
    if (memory.feed.index.has(read)) return inactive
    return this.#isReady(memory) && read.issuedAtMs >= memory.feed.deletionsMissingBeforeMs
      ? fromMemory(read)
      : this.#ask(token)
  }

  async #ask(token: string): Promise<Decision> {
    this.#asked++
    const decision = await this.#server.introspect(token).catch((cause: unknown) => {
      throw new IntrospectionUnavailable(cause)
    })
    return decision.active && this.#isMeantForUs(decision.audience) ? decision : inactive
  }

  #isFresh({ feed }: Memory): boolean {
    return feed.stalenessMs() <= this.#maxStalenessMs
  }

  #isReady(memory: Memory): boolean {
    return this.#isFresh(memory) && memory.keys.isCurrent(memory.feed.keysRevision)
  }

  /** RFC 9068 section 4. */
  #isMeantForUs(audience: readonly string[]): boolean {
    return this.#audience === null || this.#audience.some((name) => audience.includes(name))
  }

  #isCurrent({ expiresAt, notBefore }: VerifiedToken): boolean {
    const now = Math.floor(Date.now() / 1_000)
    return expiresAt > now && notBefore <= now + this.#clockSkewSeconds
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }

  #nextNews(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal?.addEventListener('abort', done, { once: true })
    })
  }
}

/** What is kept of the server. */
interface Memory {
  readonly feed: RevocationFeed
  readonly keys: PublishedKeys
  readonly tokens: JwtAccessTokens
}

function openMemory(options: IntrospectorOptions, server: GrpcServer, onNews: () => void): Memory {
  const { issuer, jwksUri = `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`, onTrouble = () => {} } = options
  const keys = new PublishedKeys(jwksUri, onTrouble)
  const feed = new RevocationFeed({
    client: server.revocations,
    metadata: () => server.metadata(),
    onTrouble,
    onNews: () => {
      keys.follow(feed.keysRevision)
      onNews()
    },
  })
  return { feed, keys, tokens: new JwtAccessTokens(issuer, keys) }
}

const fromMemory = (token: VerifiedToken): ActiveToken => ({
  active: true,
  subject: token.subject,
  clientId: token.clientId,
  scope: token.scope,
  audience: token.audience,
  issuedAt: token.issuedAt,
  expiresAt: token.expiresAt,
  tokenId: token.tokenId,
  grantId: token.grantId,
  claims: token.claims,
  source: 'memory',
})
