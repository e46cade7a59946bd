// Which subjects a client sees (OpenID Connect Core section 8, OpenID Connect Registration section 5).
import type { Client } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Outbound } from '../kit/outbound.js'

export class SubjectTypes {
  /** The types that may be registered; the first is the default. */
  readonly supported: readonly string[]
  readonly #outbound: Pick<Outbound, 'call'>

  constructor(supported: readonly string[], outbound: Pick<Outbound, 'call'>) {
    this.supported = [...supported].sort((one, other) => Number(other === 'public') - Number(one === 'public'))
    this.#outbound = outbound
  }

  /** The client with the default where it names no type. */
  complete(client: Client): Client {
    return { ...client, subjectType: client.subjectType || this.supported[0] || 'public' }
  }

  /** Error: `invalid_client_metadata`. What a client had before is not asked for again. */
  async check(client: Client, before?: Client): Promise<void> {
    const { subjectType, sectorIdentifierUri: sectorUri, redirectUris } = client
    if (!this.supported.includes(subjectType)) refuse(`subject_type: is none of ${this.supported.join(', ')}.`)
    if (subjectType !== 'pairwise') return
    if (client.accessTokenStrategy === 'jwt')
      refuse('access_token_strategy: must be opaque where the subject type is pairwise.')
    if (sectorUri === '') {
      if (!haveOneHost(redirectUris))
        refuse('sector_identifier_uri: is needed where the redirect URIs have not one host.')
      return
    }
    const wasChecked = before?.subjectType === 'pairwise' && before.sectorIdentifierUri === sectorUri
    if (wasChecked && isSubset(redirectUris, before.redirectUris)) return
    if (!isSubset(redirectUris, await this.#sectorOf(sectorUri)))
      refuse('sector_identifier_uri: does not list every redirect URI.')
  }

  /** The redirect URIs that a sector lists; none where it cannot be told. */
  async #sectorOf(uri: string): Promise<string[]> {
    try {
      const { status, body } = await this.#outbound.call(uri)
      const listed: unknown = status === 200 ? JSON.parse(body.toString()) : undefined
      const isList = Array.isArray(listed) && listed.every((item) => typeof item === 'string')
      return isList ? listed : []
    } catch {
      return []
    }
  }
}

const isSubset = (some: readonly string[], all: readonly string[]): boolean => some.every((one) => all.includes(one))

function haveOneHost(redirectUris: readonly string[]): boolean {
  const hosts = new Set(redirectUris.map((uri) => new URL(uri).hostname))
  return hosts.size === 1 && !hosts.has('')
}

function refuse(description: string): never {
  throw new OAuthError('invalid_client_metadata', description)
}
