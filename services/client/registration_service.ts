// Answers the RPCs of RegistrationService.
import type { RegistrationServiceService } from '#proto/client/v1/registration_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Handlers } from '../kit/rpc/contract.js'
import type { SelfRegistration } from './self_registration.js'

/** `selfRegistration` is absent where clients may not register themselves. */
export function createRegistrationHandlers(
  selfRegistration: SelfRegistration | undefined,
): Handlers<typeof RegistrationServiceService> {
  const enabled = (): SelfRegistration => {
    if (!selfRegistration) throw new OAuthError('not_found', 'Clients cannot register themselves here.')
    return selfRegistration
  }
  return {
    registerClient: async (request) => enabled().register(request),
    getRegisteredClient: async (request, call) => ({ client: await enabled().get(request, call) }),
    updateRegisteredClient: async (request, call) => enabled().update(request, call),
    deleteRegisteredClient: async (request, call) => {
      await enabled().delete(request, call)
      return {}
    },
  }
}
