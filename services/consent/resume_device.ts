// The first leg of a device's flow comes back (RFC 8628 section 3.3): the end-user has confirmed the user code, in the browser
// that began the flow, and goes on to the login. Writes nothing.
import type { AuthorizationAnswer } from '#proto/consent/v1/authorization_service.js'
import type { Flow } from '#proto/consent/v1/flow.js'
import { OAuthError, toOAuthError } from '../kit/oauth_error.js'
import { uuidFromBytes } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import { runChecks } from './authorization_request/index.js'
import { isOutage, sendTo, showError, verifierUsed } from './authorization_response.js'
import { keyOf } from './challenges.js'
import type { Cookies } from './cookies.js'
import { denyDevice, deviceChecks, deviceRequestOf } from './device_flow.js'
import { advance, flowIdOf } from './flow.js'
import type { Parts } from './parts.js'
import { toError } from './rejection.js'
import { checkBrowser } from './reopen.js'
import { beginLogin, findSession } from './start_login.js'
import { parametersOf } from './urls.js'

export async function resumeDevice(
  parts: Parts,
  verifier: string,
  cookies: Cookies,
  call: Call,
): Promise<AuthorizationAnswer> {
  let flow: Flow
  try {
    flow = parts.sealedFlows.openVerifier('device', verifier)
    checkBrowser(parts, 'device', flow, cookies)
  } catch (thrown) {
    return showError(toOAuthError(thrown))
  }
  const key = keyOf(flow, 'device')
  if (!parts.decisions.take(key)) return showError(verifierUsed('device'))
  try {
    return await goOn(parts, flow, cookies, call)
  } catch (thrown) {
    const error = toOAuthError(thrown)
    if (isOutage(error)) {
      // Nothing was decided, so the same verifier may come again.
      parts.decisions.giveBack(key)
      throw thrown
    }
    await denyDevice(parts, flow)
    parts.decisions.end(flowIdOf(flow))
    return { ...showError(error), cookies: [parts.flowCookies.remove('device', flow)] }
  }
}

async function goOn(parts: Parts, flow: Flow, cookies: Cookies, call: Call): Promise<AuthorizationAnswer> {
  const { clients, checkContext, flowCookies, sealedFlows, urls } = parts
  if (flow.rejection) throw toError(flow.rejection)
  const client = await clients.findRegistration(flow.clientId, uuidFromBytes(flow.registrationId))
  if (!client) throw new OAuthError('invalid_client', 'The client is no longer registered.')
  await runChecks(deviceChecks, deviceRequestOf(client, parametersOf(flow)), checkContext)
  const session = await findSession(parts, cookies, call)
  const next = advance(flow, 'ask_login', { login: beginLogin(flow.id, session.found) })
  return sendTo(urls.app('login', sealedFlows.seal(next)), [
    ...flowCookies.prune(cookies),
    // Taking the one cookie away ends the verifier that needs it.
    flowCookies.remove('device', flow),
    flowCookies.issue('login', next),
    ...session.stale,
  ])
}
