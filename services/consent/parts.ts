// What the services of this room work with.
import type { DeviceCodeServiceService } from '#proto/token/v1/device_code_service.js'
import type { TokenServiceService } from '#proto/token/v1/token_service.js'
import type { Remote } from '../kit/rpc/contract.js'
import type { Sealer } from '../kit/sealing.js'
import type { CheckContext } from './authorization_request/check.js'
import type { ClientSubjects } from './client_subjects.js'
import type { Clients } from './clients.js'
import type { ConsentConfig } from './config.js'
import type { FlowCookies, SessionCookie } from './cookies.js'
import type { Decisions } from './decisions.js'
import type { IdTokenHints } from './id_token_hint.js'
import type { LogoutDeliveries } from './logout_deliveries.js'
import type { Payloads } from './payloads.js'
import type { RequestObjects } from './request_objects.js'
import type { SealedFlows } from './sealed_flows.js'
import type { ConsentStore } from './store/consent_store.js'
import type { Urls } from './urls.js'

export interface Parts {
  readonly config: ConsentConfig
  readonly checkContext: CheckContext
  readonly clients: Clients
  readonly clientSubjects: ClientSubjects
  readonly tokens: Remote<typeof TokenServiceService>
  readonly deviceCodes: Remote<typeof DeviceCodeServiceService>
  readonly idTokenHints: IdTokenHints
  readonly requestObjects: RequestObjects
  readonly store: ConsentStore
  readonly sealer: Sealer
  /** For page tokens. */
  readonly pageSealer: Sealer
  readonly sealedFlows: SealedFlows
  readonly payloads: Payloads
  readonly decisions: Decisions
  readonly flowCookies: FlowCookies
  readonly sessionCookie: SessionCookie
  readonly urls: Urls
  readonly logoutDeliveries: LogoutDeliveries
}
