// Tokens that were verified of late: a resource server sees the same ones again and again, and a signature costs more to verify
// than all else that is to be decided.
import type { CryptoKey } from 'jose'
import type { VerifiedToken } from './jwt_access_token.js'

/** What one token was found to say, and by which key. */
export interface Verified {
  readonly kid: string
  readonly key: CryptoKey
  readonly token: VerifiedToken
}

/** Of each of two generations; the older one is forgotten at once. */
const maxTokens = 5_000
/** Characters; a longer token is verified each time. */
const maxLength = 4 * 1024

/** Only what is good is kept, so that made-up tokens push nothing out. */
export class VerifiedTokens {
  #young = new Map<string, Verified>()
  #old = new Map<string, Verified>()

  get(text: string): Verified | undefined {
    const young = this.#young.get(text)
    if (young) return young
    const old = this.#old.get(text)
    if (old) this.set(text, old)
    return old
  }

  set(text: string, verified: Verified): void {
    if (text.length > maxLength) return
    if (this.#young.size >= maxTokens) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(text, verified)
  }
}
