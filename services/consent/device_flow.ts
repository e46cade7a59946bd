// What is otherwise in a flow that a device waits for (RFC 8628): it has no redirect URI, the browser ends at a page, and the
// device hears of the end by polling.
import type { Client } from '#proto/client/v1/client_service.js'
import { type Flow, FlowDevice } from '#proto/consent/v1/flow.js'
import { log } from '../kit/log.js'
import { OAuthError } from '../kit/oauth_error.js'
import { uuidFromBytes } from '../kit/random.js'
import { checkAudience } from './authorization_request/audience.js'
import { type AuthorizationRequest, type Check, unchecked } from './authorization_request/check.js'
import { checkScope } from './authorization_request/scope.js'
import { flowIdOf } from './flow.js'
import type { Parts } from './parts.js'

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'

/** Whether a device waits for the flow's end. */
export const isForDevice = (flow: Flow): boolean => flow.device !== undefined

/** The device code that the flow decides on; empty if it decides on none. */
export const deviceCodeIdOf = ({ device }: Flow): string =>
  device && device.deviceCodeId.length > 0 ? uuidFromBytes(device.deviceCodeId) : ''

export const deviceOf = (flow: Flow): FlowDevice => flow.device ?? FlowDevice.fromPartial({})

/** The request that the device made, before its checks. */
export const deviceRequestOf = (
  client: Client,
  parameters: Readonly<Record<string, string>>,
): AuthorizationRequest => ({
  parameters,
  duplicates: [],
  client,
  redirectUri: '',
  redirectUriOmitted: true,
  responseMode: 'query',
  ...unchecked,
})

const checkGrantType: Check = ({ client }) => {
  if (!client.grantTypes.includes(grantType))
    throw new OAuthError('unauthorized_client', 'The client may not use the device authorization grant.')
}

/** The token service has made them; they are made again, since the client may have been changed. */
export const deviceChecks: readonly Check[] = [checkGrantType, checkScope, checkAudience]

/** Tells the device that it waits in vain, if one does. Where even this fails, its code lapses. */
export async function denyDevice({ deviceCodes }: Pick<Parts, 'deviceCodes'>, flow: Flow): Promise<void> {
  const deviceCodeId = deviceCodeIdOf(flow)
  if (deviceCodeId === '') return
  try {
    await deviceCodes.denyDeviceCode({ deviceCodeId, flowId: flowIdOf(flow) })
  } catch (err) {
    log.warn({ err, deviceCodeId }, 'a device could not be told that it was denied')
  }
}
