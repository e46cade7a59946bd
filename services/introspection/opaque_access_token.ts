// Opens opaque access tokens. What cannot be opened was not sealed by this server for this purpose.
import { AccessToken } from '#proto/token/v1/access_token.js'
import { timeOfId } from '../kit/random.js'
import { decodeBase64url, type Sealer } from '../kit/sealing.js'
import { compactBytes, compactId, type ReceivedToken } from './received_token.js'

const purpose = 'access token'
export const opaquePrefix = 'tsr_at_'

/** Undefined for what is no token of this server. */
export function readOpaqueToken(sealer: Sealer, token: string): ReceivedToken | undefined {
  const sealed = decodeBase64url(token.slice(opaquePrefix.length))
  const opened = sealed && sealer.open(purpose, sealed)
  if (!opened) return undefined
  const said = AccessToken.decode(opened)
  return {
    id: compactId(said.tokenId),
    grantId: compactId(said.grantId),
    clientId: said.clientId,
    registrationId: compactId(said.registrationId),
    subject: said.subject,
    obfuscatedSubject: said.obfuscatedSubject,
    scope: said.scope,
    audience: said.audience,
    issuedAt: said.issuedAt,
    issuedAtMs: timeOfId(said.tokenId),
    notBefore: said.issuedAt,
    expiresAt: said.expiresAt,
    extJson: compactBytes(said.extJson),
    extByReference: said.extByReference,
  }
}
