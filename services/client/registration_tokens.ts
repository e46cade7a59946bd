// Registration access tokens (RFC 7592 section 3): handles of one registration. Only a hash of the newest is stored, so an
// earlier one, and what a stolen dump holds, is good for nothing.
import { createHash, timingSafeEqual } from 'node:crypto'
import { decodeHandle, encodeHandle } from '../kit/handle.js'
import { OAuthError } from '../kit/oauth_error.js'
import { randomBytes, uuidFromBytes, uuidToBytes } from '../kit/random.js'
import type { Sealer } from '../kit/sealing.js'
import type { StoredClient } from './store/client_store.js'

const purpose = 'registration access token'
const prefix = 'tsr_rg_'
const idSize = 16
const randomSize = 16

const digest = (token: string): Buffer => createHash('sha256').update(token).digest()

export class RegistrationTokens {
  readonly #sealer: Sealer

  constructor(sealer: Sealer) {
    this.#sealer = sealer
  }

  /** A new token of a registration, and what is kept of it. */
  issue(registrationId: string): { token: string; hash: string } {
    const payload = Buffer.concat([uuidToBytes(registrationId), randomBytes(randomSize)])
    const token = encodeHandle(prefix, payload, this.#sealer.mac(purpose, payload))
    return { token, hash: digest(token).toString('base64url') }
  }

  /** Refuses what is no token of this server, without asking for the client. Error: `invalid_token`. */
  check(token: string): void {
    if (this.#registrationOf(token) === undefined) throw invalidToken()
  }

  /** Refuses what is not the newest token of a client. Error: `invalid_token`. */
  checkNewest(token: string, { client, registrationTokenHash }: StoredClient): void {
    const [shown, kept] = [digest(token), Buffer.from(registrationTokenHash, 'base64url')]
    const isNewest = kept.length === shown.length && timingSafeEqual(shown, kept)
    if (!isNewest || this.#registrationOf(token) !== client.registrationId) throw invalidToken()
  }

  #registrationOf(token: string): string | undefined {
    const handle = decodeHandle(prefix, idSize + randomSize, token)
    const isOurs = handle && this.#sealer.verifyMac(purpose, handle.payload, handle.mac)
    return isOurs ? uuidFromBytes(handle.payload.subarray(0, idSize)) : undefined
  }
}

/** The one answer, whether there is such a client or not. */
export const invalidToken = (): OAuthError =>
  new OAuthError('invalid_token', 'The registration access token is not one of this client, or no longer good.')
