// `client_secret_post`: id and secret as parameters of the request (RFC 6749 section 2.3.1).
import type { AuthenticationMethod } from './method.js'

export const clientSecretPost: AuthenticationMethod = {
  name: 'client_secret_post',
  secret: 'hashed',
  needsKeys: false,
  algorithms: [],
  read: ({ clientId, clientSecret }, { secrets }) =>
    clientSecret === ''
      ? undefined
      : { clientId, proves: (candidate) => secrets.verify(clientId, candidate, clientSecret) },
}
