// The services that the gateway speaks to, as it sees them: in this process or over the wire.
import type { ClientServiceService } from '#proto/client/v1/client_service.js'
import type { RegistrationServiceService } from '#proto/client/v1/registration_service.js'
import type { AuthorizationServiceService } from '#proto/consent/v1/authorization_service.js'
import type { ConsentServiceService } from '#proto/consent/v1/consent_service.js'
import type { DeviceServiceService } from '#proto/consent/v1/device_service.js'
import type { LoginServiceService } from '#proto/consent/v1/login_service.js'
import type { LogoutServiceService } from '#proto/consent/v1/logout_service.js'
import type { IntrospectionServiceService } from '#proto/introspection/v1/introspection_service.js'
import type { DeviceCodeServiceService } from '#proto/token/v1/device_code_service.js'
import type { KeyServiceService } from '#proto/token/v1/key_service.js'
import type { TokenServiceService } from '#proto/token/v1/token_service.js'
import type { TrustedIssuerServiceService } from '#proto/token/v1/trusted_issuer_service.js'
import type { Remote } from '../services/kit/rpc/contract.js'

export interface GatewayServices {
  readonly clients: Remote<typeof ClientServiceService>
  readonly registration: Remote<typeof RegistrationServiceService>
  readonly authorization: Remote<typeof AuthorizationServiceService>
  readonly device: Remote<typeof DeviceServiceService>
  readonly login: Remote<typeof LoginServiceService>
  readonly consent: Remote<typeof ConsentServiceService>
  readonly logout: Remote<typeof LogoutServiceService>
  readonly tokens: Remote<typeof TokenServiceService>
  readonly deviceCodes: Remote<typeof DeviceCodeServiceService>
  readonly trustedIssuers: Remote<typeof TrustedIssuerServiceService>
  readonly keys: Remote<typeof KeyServiceService>
  readonly introspection: Remote<typeof IntrospectionServiceService>
}
