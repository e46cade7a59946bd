// The opaque access token: its claims, sealed. Only the introspection service can open it; it is not stored.
import { AccessToken } from '#proto/token/v1/access_token.js'
import { nowSeconds } from '../../kit/clock.js'
import { uuidFromBytes, uuidToBytes } from '../../kit/random.js'
import { decodeBase64url } from '../../kit/sealing.js'
import type { AccessTokenStrategy } from './access_token.js'

const purpose = 'access token'
const prefix = 'tsr_at_'
/** Session data beyond this size stays with the grant, so that a token stays small. */
const maxSessionClaims = 1_024

export const opaqueAccessToken: AccessTokenStrategy = {
  async prepare() {},

  async issue({ sealer }, content) {
    const extJson = Buffer.from(content.sessionClaims)
    const extByReference = extJson.length > maxSessionClaims && content.grantId !== ''
    const encoded = AccessToken.encode({
      tokenId: content.tokenId,
      grantId: uuidToBytes(content.grantId),
      clientId: content.clientId,
      registrationId: uuidToBytes(content.registrationId),
      subject: content.subject,
      obfuscatedSubject: content.obfuscatedSubject,
      scope: content.scope,
      audience: [...content.audience],
      issuedAt: content.issuedAt,
      expiresAt: content.expiresAt,
      extJson: extByReference ? Buffer.alloc(0) : extJson,
      extByReference,
      hasEndUser: content.hasEndUser,
    }).finish()
    return `${prefix}${sealer.seal(purpose, encoded).toString('base64url')}`
  },

  async read({ sealer }, token) {
    if (!token.startsWith(prefix)) return undefined
    const sealed = decodeBase64url(token.slice(prefix.length))
    const opened = sealed && sealer.open(purpose, sealed)
    if (!opened) return undefined
    const { tokenId, grantId, clientId, registrationId, expiresAt } = AccessToken.decode(opened)
    if (expiresAt <= nowSeconds()) return undefined
    return {
      tokenId: uuidFromBytes(tokenId),
      grantId: grantId.length > 0 ? uuidFromBytes(grantId) : '',
      clientId,
      registrationId: uuidFromBytes(registrationId),
      expiresAt,
    }
  },
}
