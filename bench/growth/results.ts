// What the run on a grown database found out, as it is kept in JSON. Each part may be measured apart.
import type { Report, Result } from '../results.js'
import type { Size } from './population.js'

export interface TableSize {
  readonly table: string
  readonly rows: number
  readonly heapBytes: number
  readonly indexBytes: number
}

export interface PlanProblem {
  readonly statement: string
  readonly table: string
  /** For any values, or for those of a call. */
  readonly plan: string
}

export interface Plans {
  /** What the database was like: `filled`, `with expired rows`. */
  readonly state: string
  readonly statements: number
  readonly plans: number
  readonly problems: readonly PlanProblem[]
  /** What could not be explained, and why: none. */
  readonly unexplained: readonly string[]
}

export interface PurgeResult {
  /** What had expired, by table. */
  readonly tables: readonly PurgedTable[]
  readonly loads: readonly PurgeLoad[]
  /** Before anything had expired, right after it was purged, and after autovacuum. */
  readonly states: Readonly<Record<'before' | 'purged' | 'after', readonly TableState[]>>
}

export interface PurgedTable {
  readonly table: string
  readonly rows: number
  /** From the first deletion to the last. */
  readonly seconds: number
}

/** What answered meanwhile. */
export interface PurgeLoad {
  readonly title: string
  readonly quiet: Latency
  readonly purging: Latency
  readonly errors: number
  /** What the first wrong answer was; empty if there was none. */
  readonly firstError: string
}

export interface Latency {
  readonly operations: number
  readonly p50: number
  readonly p95: number
  /** The median of slices of two seconds, so that what else the machine does hits it less. */
  readonly p99: number
}

export interface TableState {
  readonly table: string
  readonly bytes: number
  readonly deadRows: number
  readonly liveRows: number
  readonly autovacuums: number
}

export interface GrowthReport extends Pick<Report, 'startedAt' | 'commit' | 'machine' | 'node' | 'postgres'> {
  readonly size: Size
  readonly small: Size
  readonly fillSeconds?: number
  readonly sizes?: readonly TableSize[]
  readonly plans?: readonly Plans[]
  readonly results?: readonly Result[]
  /** Part of the updates of grants that touched no index. */
  readonly hot?: { readonly updates: number; readonly hotUpdates: number }
  readonly purge?: PurgeResult
}

export const smallName = 'small'
export const grownName = 'grown'
