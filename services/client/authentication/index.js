// The client authentication methods. A new one is a file beside this one and a line here.
import { clientSecretBasic } from './client_secret_basic.js'
import { clientSecretPost } from './client_secret_post.js'
import { none } from './none.js'
export const authenticationMethods = [clientSecretBasic, clientSecretPost, none]
/** Whether clients of this method have a secret. */
export const usesSecret = (name) => authenticationMethods.some((method) => method.name === name && method.usesSecret)
//# sourceMappingURL=index.js.map
