// Seals data that travels through other hands (tokens, challenges, cookies, keys at rest) with AES-256-GCM, and makes the
// codes that prove where a handle came from. Each use has a purpose of its own: what was sealed for one cannot be opened
// for another.
//
// Random 96-bit nonces under one key are safe for 2^32 messages only (NIST SP 800-38D 8.3). So each process derives keys
// of its own from a random salt, which the sealed text carries, and counts nonces.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { lruCache } from './lru_cache.js'
import { randomBytes } from './random.js'

const saltSize = 16
const counterSize = 6
const tagSize = 16
const messagesPerKey = 2 ** 32

interface SealingKey {
  readonly salt: Buffer
  readonly key: Buffer
  sealed: number
}

function nonceOf(counter: Uint8Array): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.set(counter, 12 - counterSize)
  return nonce
}

/** Seals and opens under `secrets.system`: the first secret seals, all of them open. */
export class Sealer {
  #secrets: readonly string[]
  #secretsVersion = 0
  readonly #sealing = new Map<string, SealingKey>()
  readonly #opening = lruCache<Buffer>(10_000)
  readonly #macKeys = new Map<string, Buffer[]>()

  constructor(secrets: readonly string[]) {
    if (secrets.length === 0) throw new Error('sealing needs a secret')
    this.#secrets = secrets
  }

  /** Another one with each replacement. */
  get secretsVersion(): number {
    return this.#secretsVersion
  }

  /** From now on, these seal and open; what was sealed under one that is left out stays closed. */
  replaceSecrets(secrets: readonly string[]): void {
    if (secrets.length === 0) throw new Error('sealing needs a secret')
    if (secrets.join('\0') === this.#secrets.join('\0')) return
    this.#secrets = secrets
    this.#secretsVersion++
    this.#sealing.clear()
    this.#opening.clear()
    this.#macKeys.clear()
  }

  /** Seals for one purpose; 38 bytes longer than the plaintext. */
  seal(purpose: string, plaintext: Uint8Array): Buffer {
    const sealing = this.#sealingKey(purpose)
    const counter = Buffer.alloc(counterSize)
    counter.writeUIntBE(sealing.sealed++, 0, counterSize)
    const cipher = createCipheriv('aes-256-gcm', sealing.key, nonceOf(counter))
    cipher.setAAD(Buffer.from(purpose))
    return Buffer.concat([sealing.salt, counter, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  }

  /** Opens what was sealed for the purpose; undefined for anything else. */
  open(purpose: string, sealed: Uint8Array): Buffer | undefined {
    if (sealed.byteLength < saltSize + counterSize + tagSize) return undefined
    const salt = Buffer.from(sealed.subarray(0, saltSize))
    const cacheKey = `${purpose}\0${salt.toString('latin1')}`
    const known = this.#opening.get(cacheKey)
    if (known) return decrypt(known, purpose, sealed)
    for (const secret of this.#secrets) {
      const key = deriveKey(secret, salt, purpose)
      const plaintext = decrypt(key, purpose, sealed)
      if (plaintext) {
        // Only a salt that proved itself is remembered, so that made-up ones cannot push out the real.
        this.#opening.set(cacheKey, key)
        return plaintext
      }
    }
    return undefined
  }

  /** A code of 16 bytes that only this server can make, under the first secret. */
  mac(purpose: string, data: Uint8Array): Buffer {
    const [key] = this.#keysFor(purpose)
    return macWith(key as Buffer, data)
  }

  /** The codes under each of the secrets, the first secret's first: to look for what was stored under one of them. */
  macs(purpose: string, data: Uint8Array): Buffer[] {
    return this.#keysFor(purpose).map((key) => macWith(key, data))
  }

  /** Whether the code was made for this purpose and data, under any of the secrets. In constant time. */
  verifyMac(purpose: string, data: Uint8Array, mac: Uint8Array): boolean {
    if (mac.byteLength !== 16) return false
    return this.#keysFor(purpose).some((key) => timingSafeEqual(macWith(key, data), mac))
  }

  #sealingKey(purpose: string): SealingKey {
    const current = this.#sealing.get(purpose)
    if (current && current.sealed < messagesPerKey) return current
    const salt = randomBytes(saltSize)
    const fresh = { salt, key: deriveKey(this.#secrets[0] as string, salt, purpose), sealed: 0 }
    this.#sealing.set(purpose, fresh)
    return fresh
  }

  #keysFor(purpose: string): Buffer[] {
    const known = this.#macKeys.get(purpose)
    if (known) return known
    const keys = this.#secrets.map((secret) => deriveKey(secret, Buffer.alloc(0), `mac:${purpose}`))
    this.#macKeys.set(purpose, keys)
    return keys
  }
}

const deriveKey = (secret: string, salt: Uint8Array, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, `tessera:${purpose}`, 32))

const macWith = (key: Buffer, data: Uint8Array): Buffer =>
  createHmac('sha256', key).update(data).digest().subarray(0, 16)

function decrypt(key: Buffer, purpose: string, sealed: Uint8Array): Buffer | undefined {
  const bodyStart = saltSize + counterSize
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(sealed.subarray(saltSize, bodyStart)))
  decipher.setAAD(Buffer.from(purpose))
  decipher.setAuthTag(sealed.subarray(sealed.byteLength - tagSize))
  try {
    const plaintext = decipher.update(sealed.subarray(bodyStart, sealed.byteLength - tagSize))
    return Buffer.concat([plaintext, decipher.final()])
  } catch {
    return undefined
  }
}

/** base64url of exactly one spelling: what would encode differently is refused, so that no handle has two names. */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
