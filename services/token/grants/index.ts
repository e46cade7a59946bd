// The grant types of the token endpoint, by their names. A new one is one file and one line here.
import { authorizationCode } from './authorization_code.js'
import { clientCredentials } from './client_credentials.js'
import { deviceCode } from './device_code.js'
import type { GrantType } from './grant_type.js'
import { jwtBearer } from './jwt_bearer.js'
import { refreshToken } from './refresh_token.js'

const grantTypes: readonly GrantType[] = [authorizationCode, refreshToken, clientCredentials, deviceCode, jwtBearer]

export const grants: Readonly<Record<string, GrantType>> = Object.fromEntries(
  grantTypes.map((grantType) => [grantType.name, grantType]),
)
