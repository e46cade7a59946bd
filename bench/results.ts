// What a benchmark found out, as it is kept in JSON.

export interface Result {
  readonly scenario: string
  readonly title: string
  readonly server: string
  /** The kind of tokens and keys, and how secrets are checked. */
  readonly kind: string
  readonly operations: number
  readonly errors: number
  readonly firstError: string
  readonly perSecond: number
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number }
  /** The p99 of each round, in milliseconds. */
  readonly p99OfRounds: readonly number[]
  /** For each operation; null where it cannot be read. */
  readonly cpuUs: {
    readonly server: number
    readonly postgres: number
    readonly total: number
    /**
     * Of the server's busiest thread, had each been on a CPU when it wanted: it alone bounds what the server can do, however
     * many cores there are.
     */
    readonly busiest: number
  } | null
  /** For each operation; null for a server whose database is not ours. */
  readonly database: {
    readonly statements: number
    readonly rowsWritten: number
    readonly walBytes: number
    readonly imageBytes: number
    readonly growthBytes: number
  } | null
  readonly residentBytes: number | null
}

export interface Report {
  readonly startedAt: string
  readonly commit: string
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number; readonly os: string }
  readonly node: string
  readonly postgres: string
  readonly settings: { readonly rounds: number; readonly seconds: number; readonly concurrency: number }
  readonly servers: readonly { readonly name: string; readonly version: string; readonly description: string }[]
  readonly results: readonly Result[]
  /** What more workers bring; null where that was not measured. */
  readonly scaling: Scaling | null
}

export interface Scaling {
  readonly workers: number
  /** Scenario by scenario, with one worker and with so many, taking turns. */
  readonly pairs: readonly { readonly one: Result; readonly many: Result }[]
}

/** The result of a scenario at a server. */
export const resultOf = (report: Report, scenario: string, server: string): Result | undefined =>
  report.results.find((result) => result.scenario === scenario && result.server === server)

/** What was answered wrongly, or not at all. */
export const wrongOf = (results: readonly Result[]): string[] =>
  results
    .filter(({ errors, operations }) => errors > 0 || operations === 0)
    .map(({ title, server, firstError }) => `${title} at ${server}: ${firstError || 'no answer at all'}`)
