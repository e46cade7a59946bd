// `none`: a public client says who it is and proves nothing (RFC 6749 section 2.1, OpenID Connect Core section 9).
import type { AuthenticationMethod } from './method.js'

const name = 'none'

export const none: AuthenticationMethod = {
  name,
  secret: 'none',
  needsKeys: false,
  algorithms: [],
  read: ({ authorization, clientId, clientSecret, clientAssertion, clientAssertionType }) =>
    authorization || clientSecret || clientAssertion || clientAssertionType
      ? undefined
      : { clientId, proves: async ({ method }) => method === name },
}
