// The answer of introspection as JSON: RFC 7662 section 2.2, with Hydra's `token_use`, `obfuscated_subject` and `ext`.
import type { IntrospectResponse } from '#proto/introspection/v1/introspection_service.js'

export const inactive = '{"active":false}'

/** The JSON of answers that are given again (services/kit/rpc/contract.ts). */
const kept = new WeakMap<IntrospectResponse, string>()

export function introspectionJson(token: IntrospectResponse): string {
  if (!token.active) return inactive
  const known = kept.get(token)
  if (known !== undefined) return known
  const json = JSON.stringify(toJson(token))
  if (Object.isFrozen(token)) kept.set(token, json)
  return json
}

function toJson(token: IntrospectResponse): Record<string, unknown> {
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
