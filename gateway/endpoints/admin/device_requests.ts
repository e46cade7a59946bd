// The device app's side of a flow: Hydra's /admin/oauth2/auth/requests/device/accept, and what Hydra lacks: who asks for what,
// and a way to refuse.
import { sendJson } from '../../http/answer.js'
import { readJson, readQuery } from '../../http/body.js'
import type { Endpoint, Parts } from '../../http/endpoint.js'
import { deviceRequestToJson } from '../../json/device_request.js'
import { JsonObject } from '../../json/json_object.js'
import { rejectionFromJson } from '../../json/login_request.js'
import { challengeOf, sendRedirectTo } from './login_requests.js'

const name = 'device_challenge'

export function getDeviceRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const request = { deviceChallenge: challengeOf(ctx, name), userCode: readQuery(ctx).user_code ?? '' }
    const { deviceRequest } = await services.device.getDeviceRequest(request, ctx.state.call)
    sendJson(ctx, deviceRequest && deviceRequestToJson(deviceRequest))
  }
}

export function acceptDeviceRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const userCode = new JsonObject(await readJson(ctx)).text('user_code')
    const request = { deviceChallenge: challengeOf(ctx, name), userCode }
    sendRedirectTo(ctx, await services.device.acceptDeviceRequest(request, ctx.state.call))
  }
}

export function rejectDeviceRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const body = (await readJson(ctx)) ?? {}
    const userCode = new JsonObject(body).text('user_code')
    const request = { deviceChallenge: challengeOf(ctx, name), userCode, rejection: rejectionFromJson(body) }
    sendRedirectTo(ctx, await services.device.rejectDeviceRequest(request, ctx.state.call))
  }
}
