// Under which subject a client knows an end-user (OpenID Connect Core section 8): public, or pairwise, in Hydra's way, so that
// clients of two sectors cannot tell that they see the same end-user.
import { createHash } from 'node:crypto'
import type { Client } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../kit/oauth_error.js'

export class ClientSubjects {
  readonly #salt: string

  constructor(salt: string) {
    this.#salt = salt
  }

  /**
   * The subject that the client sees where it is another than the operator's own; else empty.
   * @param forced What the login app wants a pairwise client to see; empty: what is computed.
   */
  obfuscated(client: Client, subject: string, forced = ''): string {
    if (client.subjectType !== 'pairwise') return ''
    return forced || this.#pairwise(client, subject)
  }

  #pairwise({ sectorIdentifierUri, redirectUris: [only = ''] }: Client, subject: string): string {
    // Rather no answer than a subject that tells too much.
    if (this.#salt === '')
      throw new OAuthError('server_error', undefined, { cause: 'a pairwise client, and no salt is configured' })
    const sector = new URL(sectorIdentifierUri || only).hostname
    return createHash('sha256').update(`${sector}${subject}${this.#salt}`).digest('hex')
  }
}
