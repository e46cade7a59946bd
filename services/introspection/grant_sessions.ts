// The session data that is too large for a token and stays with its grant, for as long as it is asked for often. It is
// the same for the whole life of a grant, so that nothing here can be out of date.
import { LRUCache } from 'lru-cache'
import type { TokenServiceService } from '#proto/token/v1/token_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import { uuidFromBytes } from '../kit/random.js'
import type { Remote } from '../kit/rpc/contract.js'
import { compactBytes, idBytes } from './received_token.js'

const maxBytes = 32 * 1024 * 1024

export class GrantSessions {
  readonly #cache: LRUCache<string, Buffer>

  constructor(tokens: Remote<typeof TokenServiceService>) {
    this.#cache = new LRUCache<string, Buffer>({
      maxSize: maxBytes,
      sizeCalculation: (session) => session.length + 100,
      // One call for all who ask at the same time, and an answer for all of them.
      ignoreFetchAbort: true,
      fetchMethod: async (grantId) =>
        compactBytes((await tokens.getGrantSession({ grantId: uuidFromBytes(idBytes(grantId)) })).extJson),
    })
  }

  /** By the grant's compact id; undefined where the grant is no more. Error: `temporarily_unavailable`. */
  async get(grantId: string): Promise<Buffer | undefined> {
    try {
      return await this.#cache.fetch(grantId)
    } catch (thrown) {
      if (thrown instanceof OAuthError && thrown.code === 'not_found') return undefined
      throw thrown
    }
  }
}
