// The clients that oidc-provider is configured with: such it does not have to look up.
import { redirectUri } from '../dialects/dialect.js'

export const secret = 'a-secret-of-the-benchmark-alone'

const machine = (client_id: string) => ({
  client_id,
  client_secret: secret,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  scope: 'read',
})

const app = (client_id: string, id_token_signed_response_alg: string) => ({
  client_id,
  client_secret: secret,
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [redirectUri],
  scope: 'openid offline_access',
  id_token_signed_response_alg,
})

export const clients = [machine('machine'), app('app-ES256', 'ES256'), app('app-RS256', 'RS256')]
