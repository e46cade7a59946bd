// What the handlers, grants and response types of the token service work with.
import type { Sealer } from '../kit/sealing.js'
import type { Clients } from './clients.js'
import type { TokenConfig } from './config.js'
import type { Hooks } from './hooks/hooks.js'
import type { KeyRing } from './keys/key_ring.js'
import type { RevocationLog } from './revocations/revocation_log.js'
import type { DeviceCodeStore } from './store/device_code_store.js'
import type { GrantStore } from './store/grant_store.js'

export interface Parts {
  readonly config: TokenConfig
  readonly sealer: Sealer
  readonly keys: KeyRing
  readonly clients: Clients
  readonly grants: GrantStore
  readonly deviceCodes: DeviceCodeStore
  readonly revocations: RevocationLog
  readonly hooks: Hooks
}
