// The published keys that JWT access tokens are verified with (RFC 7517, RFC 9068 section 4): those of the access tokens'
// own set, so that a key for ID tokens proves nothing here. Fetched anew when the feed or a token tells of others.
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { GetPublishedKeysResponse, Key, KeyServiceService } from '#proto/token/v1/key_service.js'
import { monotonicMs } from '../kit/clock.js'
import { log } from '../kit/log.js'
import type { Remote } from '../kit/rpc/contract.js'

const accessTokenKeySet = 'hydra.jwt.access-token'
/** However many tokens name keys that nobody knows. */
const fetchEveryMs = 200

export interface VerificationKey {
  readonly kid: string
  readonly alg: string
  verify(data: Buffer, signature: Buffer): boolean
}

type Verifier = (key: KeyObject, data: Buffer, signature: Buffer) => boolean

const pkcs1 =
  (hash: string): Verifier =>
  (key, data, signature) =>
    verify(hash, data, key, signature)

const pss =
  (hash: string): Verifier =>
  (key, data, signature) =>
    verify(
      hash,
      data,
      { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
      signature,
    )

const ecdsa =
  (hash: string): Verifier =>
  (key, data, signature) =>
    verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature)

/** RFC 7518 3.1, RFC 8037 3.1. The key says which, never the token. */
const verifiers: Readonly<Record<string, Verifier>> = {
  RS256: pkcs1('sha256'),
  RS384: pkcs1('sha384'),
  RS512: pkcs1('sha512'),
  PS256: pss('sha256'),
  PS384: pss('sha384'),
  PS512: pss('sha512'),
  ES256: ecdsa('sha256'),
  ES384: ecdsa('sha384'),
  ES512: ecdsa('sha512'),
  EdDSA: (key, data, signature) => verify(null, data, key, signature),
}

export class PublishedKeys {
  readonly #service: Remote<typeof KeyServiceService>
  #keys: ReadonlyMap<string, VerificationKey> = new Map()
  #revision: string | undefined
  #fetchedAt = Number.NEGATIVE_INFINITY
  #lastFetch: Promise<void> = Promise.resolve()
  /** A fetch that has not begun, for all who ask meanwhile. */
  #nextFetch: Promise<void> | undefined

  constructor(service: Remote<typeof KeyServiceService>) {
    this.#service = service
  }

  /** The revision of the keys that are known; undefined before the first. */
  get revision(): string | undefined {
    return this.#revision
  }

  /** The key from memory. */
  peek(kid: string): VerificationKey | undefined {
    return this.#keys.get(kid)
  }

  /** The key, from memory or the token service. Error: `temporarily_unavailable` where it cannot be asked. */
  async find(kid: string): Promise<VerificationKey | undefined> {
    const known = this.#keys.get(kid)
    if (known) return known
    await this.refresh()
    return this.#keys.get(kid)
  }

  /** The feed says which revision is published now. */
  follow(revision: string): void {
    if (revision === '' || revision === this.#revision || this.#nextFetch) return
    this.refresh().catch((err) => log.warn({ err }, 'the published keys cannot be fetched'))
  }

  /** Fetches; what is known afterwards is no older than the call. */
  refresh(): Promise<void> {
    this.#nextFetch ??= this.#lastFetch
      .catch(() => undefined)
      .then(() => delay(Math.max(0, this.#fetchedAt + fetchEveryMs - monotonicMs())))
      .then(() => this.#fetch())
    return this.#nextFetch
  }

  #fetch(): Promise<void> {
    this.#nextFetch = undefined
    this.#fetchedAt = monotonicMs()
    this.#lastFetch = this.#service.getPublishedKeys({}).then((published) => this.#install(published))
    return this.#lastFetch
  }

  #install({ keySets, revision }: GetPublishedKeysResponse): void {
    const keys = keySets.find(({ set }) => set === accessTokenKeySet)?.keys ?? []
    this.#keys = new Map(keys.flatMap((key) => toVerificationKey(key) ?? []).map((key) => [key.kid, key]))
    this.#revision = revision
  }
}

function toVerificationKey({ kid, alg, jwk }: Key): VerificationKey | undefined {
  const verifier = Object.hasOwn(verifiers, alg) ? verifiers[alg] : undefined
  if (!verifier || !jwk) return undefined
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return { kid, alg, verify: (data, signature) => verifier(key, data, signature) }
}
