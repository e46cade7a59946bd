// Answers the RPCs of DeviceCodeService: device codes begin here, and their user codes are found, claimed and denied (RFC 8628
// sections 3.1 to 3.3). How often user codes are tried is counted in the database, over all instances (section 5.1).
import { type DeviceCode, DeviceCodeServiceService, type UserCodeTry } from '#proto/token/v1/device_code_service.js'
import { log } from '../kit/log.js'
import { OAuthError } from '../kit/oauth_error.js'
import { isUuid } from '../kit/random.js'
import type { Call, Service } from '../kit/rpc/contract.js'
import { defineService } from '../kit/rpc/server.js'
import { startDeviceAuthorization } from './device_authorization.js'
import type { Parts } from './parts.js'
import type { Budget, OpenDeviceCode, UserCodeLookup } from './store/device_code_store.js'
import { readUserCode, userCodeForm, userCodeHashes } from './user_code.js'

export const createDeviceCodeService = (parts: Parts): Service<typeof DeviceCodeServiceService> =>
  defineService(DeviceCodeServiceService, {
    startDeviceAuthorization: (request, call) => startDeviceAuthorization(parts, request, call),

    async findUserCode({ try: tried }, call) {
      const { deviceCodes } = parts
      return { deviceCode: await trying(parts, tried, call, (lookup) => deviceCodes.find(lookup, call)) }
    },

    async claimUserCode({ try: tried }, call) {
      const { deviceCodes } = parts
      return { deviceCode: await trying(parts, tried, call, (lookup) => deviceCodes.claim(lookup, call)) }
    },

    async denyDeviceCode({ deviceCodeId, flowId }, call) {
      await parts.deviceCodes.decide(deviceCodeId, flowId, false, call)
      return {}
    },
  })

/** Wrong codes that are let pass. Many browsers may have one address: that of a proxy. */
const limits = { flow: 5, addressPerMinute: 60, allPerMinute: 600 }

const all: Budget = { key: 'user codes', limit: limits.allPerMinute, period: 60 }

function budgetsOf({ flowId, address }: UserCodeTry, lifespan: number): Budget[] {
  const ofFlow = { key: `flow ${flowId}`, limit: limits.flow, period: lifespan }
  if (address.length === 0) return [ofFlow]
  const key = `address ${Buffer.from(address).toString('base64url')}`
  return [ofFlow, { key, limit: limits.addressPerMinute, period: 60 }]
}

/** What a user code stands for. Each try is counted before it is made, and forgotten where the code was right. */
async function trying(
  parts: Parts,
  tried: UserCodeTry | undefined,
  call: Call,
  look: (lookup: UserCodeLookup) => Promise<OpenDeviceCode | undefined>,
): Promise<DeviceCode> {
  if (!tried || !isUuid(tried.flowId)) throw new OAuthError('invalid_request', 'The flow is missing.')
  const code = readUserCode(tried.userCode, userCodeForm(parts.config))
  if (code === undefined) throw noSuchCode()
  const budgets = budgetsOf(tried, parts.config.ttl.login_consent_request)
  // One after the other, so that where all are too many no new row is made.
  for (const counted of [[all], budgets]) await count(parts, counted, call)
  const found = await look({ hashes: userCodeHashes(parts.sealer, code), flowId: tried.flowId })
  if (!found) throw noSuchCode()
  await parts.deviceCodes.forgive([all, ...budgets], call)
  const { id, ...rest } = found
  return { deviceCodeId: id, ...rest }
}

/** Whether it is unknown, expired, used or denied is nobody's business. */
const noSuchCode = (): OAuthError =>
  new OAuthError('invalid_request', 'The user code is not one that can be used.', {
    hint: 'It may be mistyped, expired or used: compare it with the device, or let the device show a new one.',
  })

async function count({ deviceCodes }: Parts, budgets: readonly Budget[], call: Call): Promise<void> {
  const retryAfter = await deviceCodes.count(budgets)
  if (retryAfter === undefined) return
  log.warn({ requestId: call.requestId }, 'too many wrong user codes are tried')
  throw new OAuthError('too_many_requests', 'Too many wrong user codes were tried; try again later.', { retryAfter })
}
