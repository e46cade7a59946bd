// Client secrets (RFC 6749 section 2.3.1): made, hashed, checked.
//
// A secret that we made has over 150 bits and is kept as one salted HMAC: nobody can try them all. One that a person
// chose goes through scrypt, in the thread pool and a few at a time; that it was right is remembered by a digest under a
// key that this process alone has, until the client changes.
//
// How much work a check takes depends on the form of the secret that is shown, not on the client: whether the client
// exists, and how its secret came about, cannot be told from the time. The one exception is a chosen secret that has the
// form of a generated one.
//
// A secret that a client makes codes of authentication with has to be known to check them: it is kept sealed.
import { createHmac, scrypt, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { log } from '../kit/log.js'
import { lruCache } from '../kit/lru_cache.js'
import { OAuthError } from '../kit/oauth_error.js'
import { newSecret, newUuid, randomBytes } from '../kit/random.js'
import type { Sealer } from '../kit/sealing.js'
import { BoundedWork } from './bounded_work.js'
import { text } from './metadata_rules.js'
import type { SecretNeeds } from './secret_needs.js'
import type { Candidate } from './store/client_store.js'

/** Hydra's length; 26 characters of 6.04 bits. */
export const generatedLength = 26
const generatedForm = /^[A-Za-z0-9\-._~]{26}$/

/** 260 bits, and 32 bytes are what HS256 needs. */
export const generatedKeyLength = 43

const minChosenLength = 6
const maxChosenLength = 512

/** Earlier secrets that stay good after a rotation. */
const maxEarlier = 5

/** 16 MiB and some 40 ms for each. */
const cost = { N: 2 ** 14, r: 8, p: 1 }
const digestSize = 32

/** Who thought of a secret: we, or a person; one of a person's that has the form of ours is a `lookalike`. */
type Origin = 'generated' | 'chosen' | 'lookalike'

interface SecretHash {
  readonly origin: Origin
  readonly salt: Buffer
  readonly digest: Buffer
}

/** `<origin>$<salt>$<digest>`, the two in base64url. */
const format = ({ origin, salt, digest }: SecretHash): string =>
  `${origin}$${salt.toString('base64url')}$${digest.toString('base64url')}`

function parse(hash: string): SecretHash {
  const [origin = '', salt = '', digest = ''] = hash.split('$')
  return { origin: origin as Origin, salt: Buffer.from(salt, 'base64url'), digest: Buffer.from(digest, 'base64url') }
}

const fastDigest = (salt: Buffer, secret: string): Buffer => createHmac('sha256', salt).update(secret).digest()

const slowDigest = (salt: Buffer, secret: string): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(secret, salt, digestSize, cost, (error, digest) => (error ? reject(error) : resolve(digest)))
  })

const sealedMark = 'sealed$'
const sealPurpose = 'client secret'

/** Whether the secret can be known again. */
export const isRecoverable = (hash: string | undefined): boolean => hash?.startsWith(sealedMark) ?? false

/** The hashes after a rotation: the new one, and as many of the earlier as stay good. */
export const rotatedHashes = (newest: string, earlier: readonly string[]): string[] => [
  newest,
  ...earlier.slice(0, maxEarlier),
]

/** Refuses a secret that a person cannot choose. Error: `invalid_client_metadata`. */
function checkChosen(secret: string, { minBytes }: SecretNeeds): void {
  const problem =
    [...secret].length < minChosenLength
      ? `is shorter than ${minChosenLength} characters`
      : Buffer.byteLength(secret) < minBytes
        ? `is shorter than ${minBytes} bytes`
        : text(maxChosenLength)(secret)
  if (problem) throw new OAuthError('invalid_client_metadata', `client_secret: ${problem}.`)
}

/** A hash of the same form that nothing fits. */
const decoyOf = (origin: Origin): SecretHash => ({ origin, salt: randomBytes(16), digest: randomBytes(digestSize) })

export class ClientSecrets {
  readonly #sealer: Sealer
  readonly #processKey = randomBytes(32)
  readonly #right = lruCache<true>(10_000)
  readonly #underWay = new Map<string, Promise<boolean>>()
  // The thread pool has four threads, and signing needs some. Who waits longest is still answered within its deadline.
  readonly #checking = new BoundedWork(Math.max(1, Math.min(2, Math.floor(availableParallelism() / 2))), 32)
  readonly #hashing = new BoundedWork(1, 256)
  readonly #decoys = { generated: decoyOf('generated'), chosen: decoyOf('chosen') }
  /** What stands in for a client that is not registered. */
  readonly decoy: Candidate = {
    isRegistered: false,
    registrationId: newUuid(),
    revision: 1,
    method: '',
    secretHashes: [format(this.#decoys.generated)],
    signingAlg: '',
    jwks: null,
    jwksUri: '',
  }

  constructor(sealer: Sealer) {
    this.#sealer = sealer
  }

  /** A new secret of ours, and what is kept of it. */
  generate({ isSealed, minBytes }: SecretNeeds): { secret: string; hash: string } {
    if (isSealed) {
      const secret = newSecret(Math.max(generatedKeyLength, minBytes))
      return { secret, hash: this.#seal(secret) }
    }
    const [secret, salt] = [newSecret(generatedLength), randomBytes(16)]
    return { secret, hash: format({ origin: 'generated', salt, digest: fastDigest(salt, secret) }) }
  }

  /** What is kept of a secret that a person chose. Errors: `invalid_client_metadata`, `too_many_requests`. */
  async hashChosen(secret: string, needs: SecretNeeds): Promise<string> {
    checkChosen(secret, needs)
    if (needs.isSealed) return this.#seal(secret)
    const salt = randomBytes(16)
    const digest = await this.#hashing.run(() => slowDigest(salt, secret))
    return format({ origin: generatedForm.test(secret) ? 'lookalike' : 'chosen', salt, digest })
  }

  /** The secrets of the candidate that are kept sealed. */
  recover({ secretHashes }: Candidate): string[] {
    return secretHashes.filter(isRecoverable).flatMap((hash) => {
      const secret = this.#sealer.open(sealPurpose, Buffer.from(hash.slice(sealedMark.length), 'base64url'))
      if (!secret) log.warn('the secret of a client was sealed with a secret that secrets.system no longer has')
      return secret ? [secret.toString()] : []
    })
  }

  #seal(secret: string): string {
    return sealedMark + this.#sealer.seal(sealPurpose, Buffer.from(secret)).toString('base64url')
  }

  /** Whether the secret is one of the candidate's; never, but after the same work, for a decoy. Error: `too_many_requests`. */
  async verify(clientId: string, candidate: Candidate, secret: string): Promise<boolean> {
    // What nobody could have as a secret is no secret of this client either.
    if (secret.length < minChosenLength || secret.length > maxChosenLength) return false
    // The client may have made codes of authentication with it before.
    if (this.recover(candidate).some((sealed) => this.#isSame(sealed, secret))) return true
    const hashes = candidate.secretHashes.filter((hash) => !isRecoverable(hash)).map(parse)
    if (!generatedForm.test(secret)) {
      const chosen = hashes.find(({ origin }) => origin === 'chosen') ?? this.#decoys.chosen
      return this.#verifySlowly(clientId, candidate, chosen, secret)
    }
    const isGenerated = this.#verifyFast(hashes, secret)
    const lookalike = hashes.find(({ origin }) => origin === 'lookalike')
    return isGenerated || (lookalike !== undefined && this.#verifySlowly(clientId, candidate, lookalike, secret))
  }

  /** Compares with as many hashes as a client can have, so that the time does not tell how many it has. */
  #verifyFast(hashes: readonly SecretHash[], secret: string): boolean {
    const generated = hashes.filter(({ origin }) => origin === 'generated')
    let isRight = false
    for (let index = 0; index <= maxEarlier; index++) {
      const { salt, digest } = generated[index] ?? this.#decoys.generated
      if (timingSafeEqual(fastDigest(salt, secret), digest)) isRight = true
    }
    return isRight
  }

  async #verifySlowly(
    clientId: string,
    { registrationId, revision }: Candidate,
    hash: SecretHash,
    secret: string,
  ): Promise<boolean> {
    const key = this.#digestOf(`${clientId}\0${registrationId}\0${revision}\0${secret}`)
    if (this.#right.has(key)) return true
    const underWay = this.#underWay.get(key)
    if (underWay) return underWay
    const checking = this.#checking.run(async () => timingSafeEqual(await slowDigest(hash.salt, secret), hash.digest))
    this.#underWay.set(key, checking)
    try {
      const isRight = await checking
      if (isRight) this.#right.set(key, true)
      return isRight
    } finally {
      this.#underWay.delete(key)
    }
  }

  #isSame(one: string, other: string): boolean {
    return timingSafeEqual(fastDigest(this.#processKey, one), fastDigest(this.#processKey, other))
  }

  #digestOf(shown: string): string {
    return createHmac('sha256', this.#processKey).update(shown).digest('base64')
  }
}
