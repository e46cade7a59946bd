// `private_key_jwt`: an assertion that the client signs with a key whose public half it registered (OpenID Connect Core
// section 9, RFC 7523 section 2.2).
import { signatureAlgorithms } from '../../kit/jwt/signature.js'
import type { Candidate } from '../store/client_store.js'
import { readAssertion } from './client_assertion.js'
import type { AuthenticationMethod } from './method.js'

export const privateKeyJwt: AuthenticationMethod = {
  name: 'private_key_jwt',
  secret: 'none',
  needsKeys: true,
  algorithms: signatureAlgorithms,
  read: (credentials, context) =>
    readAssertion(credentials, signatureAlgorithms, context, (jwt, candidate) =>
      context.keySets.verify(ownerOf(candidate), jwt),
    ),
}

const ownerOf = ({ registrationId, jwks, jwksUri }: Candidate) => ({
  registrationId,
  jwksUri,
  jwks: jwks === null ? undefined : JSON.parse(jwks),
})
