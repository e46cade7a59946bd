// `client_secret_post`: id and secret as parameters of the request (RFC 6749 section 2.3.1).
import type { AuthenticationMethod } from './method.js'

export const clientSecretPost: AuthenticationMethod = {
  name: 'client_secret_post',
  usesSecret: true,
  isReusable: true,
  read: ({ clientId, clientSecret }) => (clientSecret === '' ? undefined : { clientId, proof: clientSecret }),
  verify: ({ clientId, proof }, candidate, { secrets }) => secrets.verify(clientId, candidate, proof),
}
