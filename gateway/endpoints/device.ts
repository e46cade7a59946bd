// The device authorization grant's own endpoints: where the device begins (RFC 8628 section 3.1), and where the end-user comes
// with the user code (section 3.3).
import type { StartDeviceAuthorizationResponse } from '#proto/token/v1/device_code_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { sendTokenJson } from '../http/answer.js'
import { readForm, readQueryOrForm } from '../http/body.js'
import { readCookies, setCookies } from '../http/cookies.js'
import { takeClientCredentials } from '../http/credentials.js'
import type { Endpoint, Parts } from '../http/endpoint.js'
import { sendAnswer, verifierOf } from './authorization.js'

export function deviceAuthorization({ services }: Parts): Endpoint {
  return async (ctx) => {
    const form = await readForm(ctx)
    const credentials = takeClientCredentials(ctx, form)
    const { scope = '', audience = '' } = form
    const request = { scope, audience, credentials }
    sendTokenJson(ctx, toJson(await services.deviceCodes.startDeviceAuthorization(request, ctx.state.call)))
  }
}

const toJson = (started: StartDeviceAuthorizationResponse) => ({
  device_code: started.deviceCode,
  user_code: started.userCode,
  verification_uri: started.verificationUri,
  verification_uri_complete: started.verificationUriComplete,
  expires_in: started.expiresIn,
  interval: started.interval,
})

export function deviceVerification({ config, services }: Parts): Endpoint {
  return async (ctx) => {
    const parameters = await readQueryOrForm(ctx)
    const cookies = readCookies(ctx, config)
    const verifier = verifierOf(parameters)
    if (verifier && verifier.$case !== 'deviceVerifier')
      throw new OAuthError('invalid_request', 'Only a device verifier is taken here.')
    const userCode = parameters.values.user_code ?? ''
    const address = ctx.req.socket.remoteAddress ?? ''
    const { call } = ctx.state
    const { answer } = verifier
      ? await services.authorization.resumeAuthorization({ verifier, cookies }, call)
      : await services.device.startDeviceVerification({ userCode, address, cookies }, call)
    setCookies(ctx, answer?.cookies ?? [], config)
    sendAnswer(ctx, answer)
  }
}
