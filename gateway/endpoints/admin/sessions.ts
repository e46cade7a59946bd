// Consent sessions and login sessions on the admin port: Hydra's /admin/oauth2/auth/sessions.
import type { RevokeConsentSessionsRequest } from '#proto/consent/v1/consent_service.js'
import type { RevokeLoginSessionsRequest } from '#proto/consent/v1/login_service.js'
import { OAuthError } from '../../../services/kit/oauth_error.js'
import { sendJson, sendNothing } from '../../http/answer.js'
import { readQuery } from '../../http/body.js'
import type { Endpoint, Parts } from '../../http/endpoint.js'
import { linkPages, pageOf } from '../../http/pages.js'
import { consentSessionToJson } from '../../json/consent_request.js'

export function listConsentSessions({ services }: Parts): Endpoint {
  return async (ctx) => {
    const query = readQuery(ctx)
    const { subject, login_session_id: loginSessionId = '' } = query
    if (!subject) throw new OAuthError('invalid_request', "The query parameter 'subject' is missing.")
    const request = { ...pageOf(query), subject, loginSessionId }
    const page = await services.consent.listConsentSessions(request, ctx.state.call)
    linkPages(ctx, query, page)
    sendJson(ctx, page.consentSessions.map(consentSessionToJson))
  }
}

export function revokeConsentSessions({ services }: Parts): Endpoint {
  return async (ctx) => {
    const selector = consentSelector(readQuery(ctx))
    const { pending } = await services.consent.revokeConsentSessions({ selector }, ctx.state.call)
    // RFC 9110 15.3.3: there were so many that some of it goes on.
    sendNothing(ctx, pending ? 202 : 204)
  }
}

export function revokeLoginSessions({ services }: Parts): Endpoint {
  return async (ctx) => {
    const selector = loginSelector(readQuery(ctx))
    await services.login.revokeLoginSessions({ selector }, ctx.state.call)
    sendNothing(ctx)
  }
}

/** Exactly one of: one request, one client's of a subject, or expressly all of a subject. */
function consentSelector(query: Record<string, string>): NonNullable<RevokeConsentSessionsRequest['selector']> {
  const { consent_request_id: id, subject, client: clientId } = query
  const all = query.all === 'true'
  if (id && !subject && !clientId && !all) return { $case: 'consentRequestId', value: id }
  if (!id && subject && clientId && !all) return { $case: 'subjectAndClient', value: { subject, clientId } }
  if (!id && subject && !clientId && all) return { $case: 'subject', value: subject }
  throw new OAuthError('invalid_request', 'The query does not say which consent sessions.', {
    hint: "Set 'consent_request_id', or 'subject' and 'client', or 'subject' and 'all=true'.",
  })
}

function loginSelector({ subject, sid }: Record<string, string>): NonNullable<RevokeLoginSessionsRequest['selector']> {
  if (subject && !sid) return { $case: 'subject', value: subject }
  if (sid && !subject) return { $case: 'loginSessionId', value: sid }
  throw new OAuthError('invalid_request', "Exactly one of the query parameters 'subject' and 'sid' is needed.")
}
