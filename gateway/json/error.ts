// An OAuthError as JSON: RFC 6749 section 5.2, with Hydra's words on the admin port and its older members where asked for.
import type { OAuthError } from '../../services/kit/oauth_error.js'
import { kindOf } from '../../services/kit/oauth_error.js'

export interface ErrorForm {
  /** With the members of Hydra v1, each by itself (`oauth2.include_legacy_error_fields`). */
  readonly legacy: boolean
  /** As the admin API names errors that are not OAuth's. */
  readonly admin: boolean
}

const adminNames: Readonly<Record<string, string>> = { not_found: 'Not Found', conflict: 'Conflict' }

/** What is wrong and what can be done, in one text. */
export const describe = ({ description, hint }: OAuthError): string => (hint ? `${description} ${hint}` : description)

export function errorToJson(error: OAuthError, { legacy, admin }: ErrorForm): Record<string, unknown> {
  const name = (admin && adminNames[error.code]) || error.code
  const elsewhere = error.redirectTo && { redirect_to: error.redirectTo }
  if (!legacy) return { error: name, error_description: describe(error), ...elsewhere }
  return {
    error: name,
    error_description: error.description,
    error_hint: error.hint,
    status_code: kindOf(error.code).http,
    ...elsewhere,
  }
}
