// The end-user's side of the device authorization grant (RFC 8628 section 3.3): a browser begins a flow, and the device app
// says which user code the end-user has confirmed in it.
import type { Client } from '#proto/client/v1/client_service.js'
import {
  AcceptDeviceRequestRequest,
  type DeviceRequest,
  type DeviceServiceService,
  RejectDeviceRequestRequest,
  type StartDeviceVerificationRequest,
} from '#proto/consent/v1/device_service.js'
import { Flow, FlowState } from '#proto/consent/v1/flow.js'
import type { DeviceCode, UserCodeTry } from '#proto/token/v1/device_code_service.js'
import { nowSeconds } from '../kit/clock.js'
import { OAuthError } from '../kit/oauth_error.js'
import { newOrderedId, uuidToBytes } from '../kit/random.js'
import type { Call, Handlers } from '../kit/rpc/contract.js'
import { splitWords } from '../kit/scope_strategy.js'
import { sendTo } from './authorization_response.js'
import { keyOf, resumeUrl } from './challenges.js'
import { deviceOf } from './device_flow.js'
import { advance, flowIdOf } from './flow.js'
import type { Parts } from './parts.js'
import { rejectionOf } from './rejection.js'

export function createDeviceHandlers(parts: Parts): Handlers<typeof DeviceServiceService> {
  const { decisions } = parts
  return {
    startDeviceVerification: async (request) => ({ answer: start(parts, request) }),

    async getDeviceRequest({ deviceChallenge, userCode }, call) {
      const flow = openDeviceFlow(parts, deviceChallenge)
      if (userCode === '') return { deviceRequest: emptyRequest(deviceChallenge) }
      const { deviceCode } = await parts.deviceCodes.findUserCode({ try: tryOf(flow, userCode) }, call)
      return { deviceRequest: await requestOf(parts, deviceChallenge, known(deviceCode)) }
    },

    async acceptDeviceRequest(request, call) {
      const flow = openDeviceFlow(parts, request.deviceChallenge)
      if (request.userCode === '') throw new OAuthError('invalid_request', '`user_code` is missing.')
      const said = AcceptDeviceRequestRequest.encode({ ...request, deviceChallenge: '' }).finish()
      const answer = () => accept(parts, flow, request.userCode, call)
      return { redirectTo: await decisions.make(keyOf(flow, 'device'), said, answer) }
    },

    async rejectDeviceRequest(request, call) {
      const flow = openDeviceFlow(parts, request.deviceChallenge)
      const rejection = rejectionOf(request.rejection, call)
      const body = RejectDeviceRequestRequest.encode({ ...request, deviceChallenge: '' }).finish()
      const answer = async () => {
        if (request.userCode !== '') await deny(parts, flow, request.userCode, call)
        return resumeUrl(parts, 'device', advance(flow, 'reject_device', { rejection }))
      }
      const said = Buffer.concat([Buffer.from('reject'), body])
      return { redirectTo: await decisions.make(keyOf(flow, 'device'), said, answer) }
    },
  }
}

/** Bytes of what stands for an address: enough to tell addresses apart, too few to find one again. */
const addressSize = 8

/** Writes nothing. */
function start(
  { sealedFlows, flowCookies, urls, sealer }: Parts,
  { userCode, address, cookies }: StartDeviceVerificationRequest,
) {
  const network = address === '' ? Buffer.alloc(0) : sealer.mac('address', Buffer.from(networkOf(address)))
  const flow = Flow.fromPartial({
    state: FlowState.DEVICE_REQUESTED,
    id: newOrderedId(),
    requestedAt: nowSeconds(),
    device: { address: network.subarray(0, addressSize) },
  })
  const typed = userCode === '' || userCode.length > 100 ? {} : { user_code: userCode }
  return sendTo(urls.app('device', sealedFlows.seal(flow), typed), [
    ...flowCookies.prune(cookies),
    flowCookies.issue('device', flow),
  ])
}

/** Whoever has an IPv6 address has all of a network of 64 bits. */
const networkOf = (address: string): string =>
  address.includes(':') && !address.includes('.') ? address.split(':').slice(0, 4).join(':') : address

/** Errors: `not_found`, `request_unauthorized`, `gone`. */
function openDeviceFlow({ sealedFlows, decisions, urls }: Parts, challenge: string): Flow {
  const flow = sealedFlows.openChallenge('device', challenge)
  decisions.checkOpen(flowIdOf(flow), () => urls.request(flow))
  return flow
}

const tryOf = (flow: Flow, userCode: string): UserCodeTry => ({
  userCode,
  flowId: flowIdOf(flow),
  address: deviceOf(flow).address,
})

function known(deviceCode: DeviceCode | undefined): DeviceCode {
  if (!deviceCode) throw new OAuthError('server_error', undefined, { cause: new Error('an answer without a code') })
  return deviceCode
}

async function clientOf({ clients }: Parts, { clientId, registrationId }: DeviceCode): Promise<Client> {
  const client = await clients.findRegistration(clientId, registrationId)
  if (!client) throw new OAuthError('invalid_request', 'The client of the device is no longer registered.')
  return client
}

const emptyRequest = (challenge: string): DeviceRequest => ({
  challenge,
  client: undefined,
  requestedScope: [],
  requestedAccessTokenAudience: [],
  requestedAt: undefined,
  expiresAt: undefined,
})

const requestOf = async (parts: Parts, challenge: string, deviceCode: DeviceCode): Promise<DeviceRequest> => ({
  challenge,
  client: await clientOf(parts, deviceCode),
  requestedScope: splitWords(deviceCode.scope),
  requestedAccessTokenAudience: splitWords(deviceCode.audience),
  requestedAt: deviceCode.requestedAt,
  expiresAt: deviceCode.expiresAt,
})

/** From here on the flow knows its client, and the user code is this flow's alone. */
async function accept(parts: Parts, flow: Flow, userCode: string, call: Call): Promise<string> {
  const answer = await parts.deviceCodes.claimUserCode({ try: tryOf(flow, userCode) }, call)
  const deviceCode = known(answer.deviceCode)
  const { clientId, registrationId, scope, audience, deviceCodeId } = deviceCode
  await clientOf(parts, deviceCode)
  const accepted = advance(flow, 'accept_device', {
    clientId,
    registrationId: uuidToBytes(registrationId),
    scope,
    otherParameters: audience === '' ? {} : { audience },
    device: { deviceCodeId: uuidToBytes(deviceCodeId), address: Buffer.alloc(0) },
  })
  return resumeUrl(parts, 'device', accepted)
}

async function deny({ deviceCodes }: Parts, flow: Flow, userCode: string, call: Call): Promise<void> {
  const { deviceCode } = await deviceCodes.claimUserCode({ try: tryOf(flow, userCode) }, call)
  await deviceCodes.denyDeviceCode({ deviceCodeId: known(deviceCode).deviceCodeId, flowId: flowIdOf(flow) }, call)
}
