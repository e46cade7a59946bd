// The client authentication methods. A new one is a file beside this one and a line here.
import { clientSecretBasic } from './client_secret_basic.js'
import { clientSecretJwt } from './client_secret_jwt.js'
import { clientSecretPost } from './client_secret_post.js'
import type { AuthenticationMethod } from './method.js'
import { none } from './none.js'
import { privateKeyJwt } from './private_key_jwt.js'

export const authenticationMethods: readonly AuthenticationMethod[] = [
  clientSecretBasic,
  clientSecretPost,
  privateKeyJwt,
  clientSecretJwt,
  none,
]

/** The method of this name; undefined for one that is not known. */
export const findMethod = (name: string): AuthenticationMethod | undefined =>
  authenticationMethods.find((method) => method.name === name)
