// What the login and consent apps' sides have in common: a challenge comes in, the URL with a verifier goes out.
import type { Client } from '#proto/client/v1/client_service.js'
import type { Flow } from '#proto/consent/v1/flow.js'
import { OAuthError } from '../kit/oauth_error.js'
import { uuidFromBytes } from '../kit/random.js'
import type { Decided } from './decisions.js'
import { flowIdOf, type Stage } from './flow.js'
import type { Parts } from './parts.js'

/** Names what is decided on: one stage of one flow. */
export const keyOf = (flow: Flow, stage: Stage): Decided => ({ id: flowIdOf(flow), stage })

/** The flow behind a challenge and its client. Errors: `not_found`, `request_unauthorized`, `gone`. */
export async function openFlow(
  { sealedFlows, decisions, clients, urls }: Parts,
  stage: Stage,
  challenge: string,
): Promise<{ flow: Flow; client: Client }> {
  const flow = sealedFlows.openChallenge(stage, challenge)
  decisions.checkOpen(flowIdOf(flow), () => urls.request(flow))
  const client = await clients.findRegistration(flow.clientId, uuidFromBytes(flow.registrationId))
  if (!client) throw new OAuthError('not_found', 'The client is no longer registered.')
  return { flow, client }
}

/** Where the app sends the browser with what it decided. */
export const resumeUrl = ({ urls, sealedFlows }: Parts, stage: Stage, flow: Flow): string =>
  urls.resume(stage, flow.clientId, sealedFlows.seal(flow))
