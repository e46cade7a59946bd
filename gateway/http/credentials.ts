// What a caller shows of itself, taken from a request as it came; whether it is good is for the services to say.
import type { ClientCredentials } from '#proto/client/v1/client_service.js'
import type { Context } from './endpoint.js'

/** Parameters that are credentials of a client (RFC 6749 section 2.3.1, RFC 7521 section 4.2), by their field. */
const credentialParameters = {
  client_id: 'clientId',
  client_secret: 'clientSecret',
  client_assertion_type: 'clientAssertionType',
  client_assertion: 'clientAssertion',
} as const

/** Takes the client's credentials out of the header fields and the form. */
export function takeClientCredentials(ctx: Context, form: Record<string, string>): ClientCredentials {
  const credentials: ClientCredentials = {
    authorization: ctx.req.headers.authorization ?? '',
    clientId: '',
    clientSecret: '',
    clientAssertionType: '',
    clientAssertion: '',
  }
  for (const [parameter, field] of Object.entries(credentialParameters)) {
    credentials[field] = form[parameter] ?? ''
    delete form[parameter]
  }
  ctx.state.shownBy = credentials
  return credentials
}

/** The bearer token of the `Authorization` header field (RFC 6750 section 2.1); undefined if there is none. */
export const bearerTokenOf = (ctx: Context): string | undefined =>
  /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(ctx.req.headers.authorization ?? '')?.[1]
