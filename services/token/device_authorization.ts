// The device authorization endpoint (RFC 8628 section 3.1): a row with what the client asks for, a device code that stands for
// it at the client and a user code that stands for it at the end-user.
import type { Client } from '#proto/client/v1/client_service.js'
import type {
  StartDeviceAuthorizationRequest,
  StartDeviceAuthorizationResponse,
} from '#proto/token/v1/device_code_service.js'
import { nowSeconds } from '../kit/clock.js'
import { log } from '../kit/log.js'
import { OAuthError } from '../kit/oauth_error.js'
import { newUuid } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import { splitWords } from '../kit/scope_strategy.js'
import { mayHaveAudience, mayHaveScope } from './allowed.js'
import { deviceCodeGrant } from './grants/device_code.js'
import type { Parts } from './parts.js'
import { issueDeviceCode } from './tokens/device_code.js'
import { hashUserCode, newUserCode, showUserCode, userCodeForm } from './user_code.js'

/** Anyone can speak for a public client: so many rows a minute does one client get at most. */
const startsPerMinute = 6_000

/** What is stored for a request that nobody has seen yet. */
const maxAsked = 4_096

/** Errors: RFC 6749 5.2, `too_many_requests`. */
export async function startDeviceAuthorization(
  parts: Parts,
  request: StartDeviceAuthorizationRequest,
  call: Call,
): Promise<StartDeviceAuthorizationResponse> {
  const { config, sealer } = parts
  const { client } = await parts.clients.authenticate(request.credentials, call)
  if (!client.grantTypes.includes(deviceCodeGrant))
    throw new OAuthError('unauthorized_client', 'The client may not use the device authorization grant.')
  const asked = readAsked(parts, client, request)
  await checkBudget(parts, client, call)
  const { device_user_code: lifespan } = config.ttl
  const { clientId, registrationId } = client
  const form = userCodeForm(config)
  const { id, userCode } = await insert(parts, { clientId, registrationId, ...asked, lifespan }, call)
  const shown = showUserCode(userCode, form)
  return {
    deviceCode: issueDeviceCode(sealer, { id, expiresAt: nowSeconds() + lifespan }, client),
    userCode: shown,
    verificationUri: config.verificationUri,
    verificationUriComplete: `${config.verificationUri}?${new URLSearchParams({ user_code: shown })}`,
    expiresIn: lifespan,
    interval: config.oauth2.device_authorization.token_polling_interval,
  }
}

interface Asked {
  readonly scope: string
  readonly audience: string
}

function readAsked({ config }: Parts, client: Client, request: StartDeviceAuthorizationRequest): Asked {
  const scope = splitWords(request.scope)
  const audience = splitWords(request.audience)
  const asked = { scope: scope.join(' '), audience: audience.join(' ') }
  if (asked.scope.length + asked.audience.length > maxAsked)
    throw new OAuthError('invalid_request', `Scope and audience are longer than ${maxAsked} characters.`)
  const isScope = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(asked.scope)
  if (!isScope || !mayHaveScope(config, client, scope))
    throw new OAuthError('invalid_scope', 'The client may not ask for one of the scopes.')
  if (!/^[\x21-\x7e ]*$/.test(asked.audience) || !mayHaveAudience(client, audience))
    throw new OAuthError('invalid_request', 'The client may not ask for one of the audiences.')
  return asked
}

async function checkBudget({ deviceCodes }: Parts, { clientId }: Client, call: Call): Promise<void> {
  const budget = { key: `start ${clientId}`, limit: startsPerMinute, period: 60 }
  const retryAfter = await deviceCodes.count([budget])
  if (retryAfter === undefined) return
  log.warn({ requestId: call.requestId, clientId }, 'a client begins too many device authorizations')
  throw new OAuthError('too_many_requests', undefined, { retryAfter })
}

/** Two live codes of one spelling are unlikely, and three in a row more so. */
async function insert(
  { config, sealer, deviceCodes }: Parts,
  request: Asked & { readonly clientId: string; readonly registrationId: string; readonly lifespan: number },
  call: Call,
): Promise<{ id: string; userCode: string }> {
  const interval = config.oauth2.device_authorization.token_polling_interval
  for (let attempt = 1; attempt <= 10; attempt++) {
    const id = newUuid()
    const userCode = newUserCode(userCodeForm(config))
    const userCodeHash = Buffer.from(hashUserCode(sealer, userCode))
    if (await deviceCodes.insert({ ...request, id, userCodeHash, interval }, call)) return { id, userCode }
  }
  throw new OAuthError('temporarily_unavailable', 'There is no user code left; try again later.')
}
