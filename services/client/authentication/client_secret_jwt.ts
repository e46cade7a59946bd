// `client_secret_jwt`: an assertion with a code of authentication that the client makes with its secret (OpenID Connect Core
// section 9, RFC 7523 section 2.2).
import { isSignedWithSecret, macAlgorithms } from '../../kit/jwt/signature.js'
import { readAssertion } from './client_assertion.js'
import type { AuthenticationMethod } from './method.js'

export const clientSecretJwt: AuthenticationMethod = {
  name: 'client_secret_jwt',
  secret: 'sealed',
  needsKeys: false,
  algorithms: macAlgorithms,
  read: (credentials, context) =>
    readAssertion(credentials, macAlgorithms, context, async (jwt, candidate) =>
      context.secrets.recover(candidate).some((secret) => isSignedWithSecret(secret, jwt)),
    ),
}
