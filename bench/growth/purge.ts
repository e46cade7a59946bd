// Measures the purge: what expired at one moment goes, while requests are answered as before.
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { LoadGenerator } from '../load/generator.js'
import type { Load } from '../load/meter.js'
import { addressOf, median, percentilesOf } from '../run.js'
import type { BenchServer } from '../servers/server.js'
import { expiringRows, expiringTables, insertExpiring } from './expired.js'
import type { Progress, Size, Template } from './population.js'
import type { PurgedTable, PurgeLoad, PurgeResult } from './results.js'
import { growthScenarios } from './scenarios.js'
import { deletionsOf, statesOf } from './sizes.js'

export interface PurgeOptions {
  readonly client: pg.Client
  readonly generator: LoadGenerator
  readonly server: BenchServer
  readonly size: Size
  readonly template: Template
  readonly expired: number
  readonly progress: Progress
}

/** Seconds of load between two looks at what was deleted. */
const slice = 2
/** Slices before anything has expired, and as many after all is purged. */
const quietSlices = 15
/** Rows a second that a database takes at least, to know when it will have taken all. */
const slowestInsert = 15_000
const vacuumTimeoutMs = 5 * 60_000

const loads = growthScenarios.filter(({ name }) => ['growth_refresh', 'growth_begin'].includes(name))

interface Slice {
  readonly isPurging: boolean
  readonly loads: readonly Load[]
}

class Watch {
  readonly #options: PurgeOptions
  readonly #start: Record<string, number>
  readonly #times = new Map<string, { first: number; last: number }>()
  #known: Record<string, number>
  readonly slices: Slice[] = []

  constructor(options: PurgeOptions, start: Record<string, number>) {
    this.#options = options
    this.#start = start
    this.#known = start
  }

  /** One slice of load, and what was deleted meanwhile. */
  async runSlice(): Promise<boolean> {
    const { generator, server, client } = this.#options
    const beganAt = performance.now()
    const orders = loads.map(({ name }) => ({ scenario: name, server: addressOf(server), limit: { seconds: slice } }))
    const done = await Promise.all(orders.map((order) => generator.do('run', order)))
    const now = await deletionsOf(client, expiringTables)
    // Deletions of what revocations and single uses delete are not of this kind: only thousands are a purge.
    const changed = expiringTables.filter((table) => (now[table] ?? 0) - (this.#known[table] ?? 0) > 100)
    for (const table of changed) {
      const { first = beganAt } = this.#times.get(table) ?? {}
      this.#times.set(table, { first, last: performance.now() })
    }
    this.#known = now
    this.slices.push({ isPurging: changed.length > 0, loads: done })
    return changed.length > 0
  }

  get isDone(): boolean {
    const { expired } = this.#options
    return expiringTables.every(
      (table) => (this.#known[table] ?? 0) - (this.#start[table] ?? 0) >= expiringRows(table, expired),
    )
  }

  tables(): PurgedTable[] {
    return expiringTables.map((table) => {
      const { first, last } = this.#times.get(table) ?? { first: 0, last: 0 }
      return { table, rows: (this.#known[table] ?? 0) - (this.#start[table] ?? 0), seconds: (last - first) / 1_000 }
    })
  }
}

export async function measurePurge(options: PurgeOptions): Promise<PurgeResult> {
  const { client, generator, server, progress, expired } = options
  const before = await statesOf(client, expiringTables)
  for (const { name } of loads)
    await generator.do('prepare', { scenario: name, server: addressOf(server), concurrency: 16, pipelining: 1 })
  const watch = new Watch(options, await deletionsOf(client, expiringTables))
  for (let count = 0; count < 3; count++) await watch.runSlice()
  watch.slices.length = 0
  for (let count = 0; count < quietSlices; count++) await watch.runSlice()
  const at = new Date(Date.now() + 20_000 + (4 * expired * 1_000) / slowestInsert)
  await insertExpiring(client, { ...options, at }, progress)
  progress('waiting until they have expired', 0, 1)
  await delay(Math.max(0, at.getTime() - Date.now() - 3 * slice * 1_000))
  await untilPurged(watch, progress, expired)
  const purged = await statesOf(client, expiringTables)
  for (let count = 0; count < quietSlices; count++) await watch.runSlice()
  const after = await untilVacuumed(client, progress)
  for (const { name } of loads) await generator.do('finish', { scenario: name, server: addressOf(server) })
  return { tables: watch.tables(), loads: loadsOf(watch.slices), states: { before, purged, after } }
}

async function untilPurged(watch: Watch, progress: Progress, expired: number): Promise<void> {
  const end = performance.now() + 3_600_000
  while (!watch.isDone) {
    if (performance.now() > end) throw new Error('what had expired was not purged within an hour')
    await watch.runSlice()
    progress('purging token.grant', watch.tables()[0]?.rows ?? 0, expired)
  }
}

/** Autovacuum comes by itself; what it leaves is what counts. */
async function untilVacuumed(client: pg.Client, progress: Progress) {
  const end = performance.now() + vacuumTimeoutMs
  for (;;) {
    const states = await statesOf(client, expiringTables)
    const waiting = states.filter(({ deadRows, liveRows }) => deadRows > 0.06 * liveRows + 1_000)
    progress('autovacuum', states.length - waiting.length, states.length)
    if (waiting.length === 0 || performance.now() > end) return states
    await delay(5_000)
  }
}

function loadsOf(slices: readonly Slice[]): PurgeLoad[] {
  const latencyOf = (index: number, isPurging: boolean) => {
    const chosen = slices.filter((slice) => slice.isPurging === isPurging).map((slice) => slice.loads[index] as Load)
    const latencies = chosen.flatMap((load) => [...load.latencies])
    const p99 = median(chosen.map((load) => percentilesOf([...load.latencies]).p99))
    return { operations: latencies.length, ...percentilesOf(latencies), p99 }
  }
  return loads.map(({ title }, index) => ({
    title,
    quiet: latencyOf(index, false),
    purging: latencyOf(index, true),
    errors: slices.reduce((sum, slice) => sum + (slice.loads[index]?.errors ?? 0), 0),
    firstError: slices.map((slice) => slice.loads[index]?.firstError).find(Boolean) ?? '',
  }))
}
