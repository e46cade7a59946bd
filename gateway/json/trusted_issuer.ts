// Trusted issuers as JSON: Hydra's `trustOAuth2JwtGrantIssuer` and `trustedOAuth2JwtGrantIssuer`.
import { TrustedIssuer } from '#proto/token/v1/trusted_issuer_service.js'
import { JsonObject } from './json_object.js'
import { timeToJson } from './timestamp.js'

export function trustedIssuerFromJson(value: unknown): TrustedIssuer {
  const json = new JsonObject(value)
  return {
    ...TrustedIssuer.create(),
    issuer: json.text('issuer'),
    subject: json.text('subject'),
    allowAnySubject: json.flag('allow_any_subject'),
    scope: json.texts('scope'),
    jwk: json.object('jwk'),
    expiresAt: json.time('expires_at'),
  }
}

export const trustedIssuerToJson = (trusted: TrustedIssuer): Record<string, unknown> => ({
  id: trusted.id,
  issuer: trusted.issuer,
  subject: trusted.subject,
  allow_any_subject: trusted.allowAnySubject,
  scope: trusted.scope,
  public_key: { set: trusted.issuer, kid: trusted.jwk?.kid },
  created_at: timeToJson(trusted.createdAt),
  expires_at: timeToJson(trusted.expiresAt),
})
