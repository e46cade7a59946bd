// The answer of introspection as JSON: RFC 7662 section 2.2, with Hydra's `token_use`, `obfuscated_subject` and `ext`.
import type { IntrospectResponse } from '#proto/introspection/v1/introspection_service.js'

export const inactive = { active: false } as const

export function introspectionToJson(token: IntrospectResponse): Record<string, unknown> {
  if (!token.active) return inactive
  return {
    active: true,
    scope: token.scope,
    client_id: token.clientId,
    sub: token.sub,
    ...(token.obfuscatedSubject && { obfuscated_subject: token.obfuscatedSubject }),
    ...(token.exp > 0 && { exp: token.exp }),
    iat: token.iat,
    nbf: token.nbf,
    aud: token.aud,
    iss: token.iss,
    token_type: token.tokenType,
    token_use: token.tokenUse,
    ...(token.extJson.length > 0 && { ext: JSON.parse(Buffer.from(token.extJson).toString()) }),
  }
}
