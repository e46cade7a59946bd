// The form that every service has: what it serves, when it can be used, and how it ends.
import type { Config } from './config/config.js'
import type { Service } from './rpc/contract.js'

export interface RunningService {
  readonly services: readonly Service[]
  /** Begins the work in the background: feeds, purges, keys. Resolves when the service can be used. */
  start(): Promise<void>
  /** Whether all that it needs answers now. */
  ready(): Promise<boolean>
  /** Takes up another configuration: for the calls that begin from now on, all of it at once. */
  reconfigure(config: Config): void
  /** Ends the work in the background and closes the connections. */
  stop(): Promise<void>
}
