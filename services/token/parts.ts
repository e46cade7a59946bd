// What the handlers, grants and response types of the token service work with.
import type { Sealer } from '../kit/sealing.js'
import type { UsedIds } from '../kit/used_ids.js'
import type { Clients } from './clients.js'
import type { TokenConfig } from './config.js'
import type { Hooks } from './hooks/hooks.js'
import type { KeyRing } from './keys/key_ring.js'
import type { RevocationLog } from './revocations/revocation_log.js'
import type { DeviceCodeStore } from './store/device_code_store.js'
import type { GrantStore } from './store/grant_store.js'
import type { TrustedIssuerStore } from './store/trusted_issuer_store.js'

export interface Parts {
  readonly config: TokenConfig
  readonly sealer: Sealer
  /** For page tokens. */
  readonly pageSealer: Sealer
  readonly keys: KeyRing
  readonly clients: Clients
  readonly grants: GrantStore
  readonly deviceCodes: DeviceCodeStore
  readonly trustedIssuers: TrustedIssuerStore
  /** The assertions that were taken for a grant. */
  readonly usedAssertions: UsedIds
  readonly revocations: RevocationLog
  readonly hooks: Hooks
}
