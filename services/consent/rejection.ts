// Why a login or consent app refuses: checked, and bounded, since it travels in a verifier.
import type { FlowRejection } from '#proto/consent/v1/flow.js'
import type { Rejection } from '#proto/consent/v1/login_service.js'
import { log } from '../kit/log.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Call } from '../kit/rpc/contract.js'

/** RFC 6749 section 4.1.2.1: the characters of an error code. */
const errorForm = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,100}$/

const maxDescription = 1_000

/** Error: `invalid_request`. */
export function rejectionOf(rejection: Rejection | undefined, call: Call): FlowRejection {
  const error = rejection?.error || 'access_denied'
  if (!errorForm.test(error))
    throw new OAuthError('invalid_request', '`error` has characters that an error code may not have, or too many.')
  const { errorDescription = '', errorHint = '', errorDebug = '' } = rejection ?? {}
  log.info({ requestId: call.requestId, error, debug: errorDebug.slice(0, maxDescription) }, 'a request was rejected')
  return {
    error,
    errorDescription: errorDescription.slice(0, maxDescription),
    errorHint: errorHint.slice(0, maxDescription),
  }
}

export const toError = ({ error, errorDescription, errorHint }: FlowRejection): OAuthError =>
  new OAuthError(error, errorDescription || undefined, { hint: errorHint })
