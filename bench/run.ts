// Runs scenarios at servers: in rounds that go round the servers, so that what the machine does meanwhile hits all alike.
import type { LoadGenerator, Place } from './load/generator.js'
import type { Limit, Load } from './load/meter.js'
import { type DatabaseCost, DatabaseMeter } from './measure/database.js'
import { busiestBetween, cpuBetween, readCpu, readResident } from './measure/processes.js'
import type { Result } from './results.js'
import type { Scenario } from './scenarios/scenario.js'
import type { BenchDatabase } from './servers/database.js'
import type { BenchServer, ServerAddress } from './servers/server.js'
import { secretKindOf } from './targets.js'

export interface RunOptions {
  readonly generator: LoadGenerator
  readonly postgres: BenchDatabase
  readonly rounds: number
  /** Of a round. */
  readonly seconds: number
  /** Operations of a round, whatever the scenario says; for trying whether all works. */
  readonly operations: number | undefined
  /** Calls under way at each worker. */
  readonly concurrency: number
  /** Absent: 1. */
  readonly pipelining?: number
  /** How often all is warmed up; absent: once. */
  readonly warmUps?: number
}

/** Not measured: until then, much runs that is not compiled yet. What is larger takes longer, and serves for longer. */
const warmUpSeconds = 5
/** The same for scenarios that count operations. */
const warmUpOperations = 3_000

interface Round {
  readonly load: Load
  readonly serverNs: number | undefined
  readonly busiestNs: number | undefined
  readonly postgresNs: number | undefined
  readonly cost: DatabaseCost | undefined
}

/** One scenario at one server, round after round. */
class Course {
  readonly #options: RunOptions
  readonly #scenario: Scenario
  readonly #server: BenchServer
  readonly #place: Place
  readonly #rounds: Round[] = []
  #kind = ''
  #meter: DatabaseMeter | undefined
  #growthBytes = 0

  constructor(options: RunOptions, scenario: Scenario, server: BenchServer) {
    this.#options = options
    this.#scenario = scenario
    this.#server = server
    this.#place = { scenario: scenario.name, server: addressOf(server) }
  }

  async prepare(): Promise<void> {
    const { generator, pipelining = 1, postgres, warmUps = 1 } = this.#options
    const { database, workers = 1 } = this.#server
    const concurrency = this.#options.concurrency * workers
    if (database) this.#meter = await DatabaseMeter.open(postgres, database)
    this.#kind = await generator.do('prepare', { ...this.#place, concurrency, pipelining })
    const limit = this.#warmUpLimit()
    for (let count = 0; count < warmUps; count++) {
      await generator.do('refill', { ...this.#place, limit })
      await generator.do('run', { ...this.#place, limit })
    }
  }

  async runRound(): Promise<void> {
    const { generator, postgres } = this.#options
    const limit = this.#limit()
    await generator.do('refill', { ...this.#place, limit })
    await this.#meter?.settle()
    const sizeBefore = await this.#meter?.size()
    await this.#meter?.begin()
    const usesDatabase = this.#meter !== undefined
    const server = readCpu(this.#server.pid)
    const database = usesDatabase ? readCpu(postgres.pid) : undefined
    const load = await generator.do('run', { ...this.#place, limit })
    const databaseAfter = database && readCpu(postgres.pid)
    const serverAfter = server && readCpu(this.#server.pid)
    const cost = await this.#meter?.end()
    if (sizeBefore !== undefined && this.#meter) this.#growthBytes += (await this.#meter.size()) - sizeBefore
    this.#rounds.push({
      load,
      serverNs: server && serverAfter && cpuBetween(server, serverAfter),
      busiestNs: server && serverAfter && busiestBetween(server, serverAfter),
      postgresNs: database && databaseAfter && cpuBetween(database, databaseAfter),
      cost,
    })
  }

  async finish(): Promise<Result> {
    await this.#options.generator.do('finish', this.#place)
    await this.#meter?.close()
    const operations = this.#sum(({ load }) => load.operations)
    const loads = this.#rounds.map(({ load }) => load)
    return {
      scenario: this.#scenario.name,
      title: this.#scenario.title,
      server: this.#server.name,
      kind: this.#kind && [this.#kind, secretKindOf(this.#server)].filter(Boolean).join(', '),
      operations,
      errors: this.#sum(({ load }) => load.errors),
      firstError: loads.find(({ errors }) => errors > 0)?.firstError ?? '',
      perSecond: operations / this.#sum(({ load }) => load.seconds),
      latencyMs: percentilesOf(loads.flatMap(({ latencies }) => [...latencies])),
      p99OfRounds: loads.map(({ latencies }) => percentilesOf([...latencies]).p99),
      cpuUs: this.#cpu(operations),
      database: this.#database(operations),
      residentBytes: readResident(this.#server.pid) ?? null,
    }
  }

  #limit(): Limit {
    const operations = this.#options.operations ?? this.#scenario.operations
    const { timesAsLong = 1 } = this.#scenario
    return operations === undefined ? { seconds: this.#options.seconds * timesAsLong } : { operations }
  }

  #warmUpLimit(): Limit {
    const limit = this.#limit()
    const { warmUpSeconds: atLeast = warmUpSeconds } = this.#scenario
    if ('seconds' in limit) return { seconds: Math.max(atLeast, limit.seconds) }
    return { operations: Math.min(warmUpOperations, limit.operations) }
  }

  #sum(of: (round: Round) => number): number {
    return this.#rounds.reduce((sum, round) => sum + of(round), 0)
  }

  #cpu(operations: number): Result['cpuUs'] {
    if (this.#rounds.some(({ serverNs }) => serverNs === undefined)) return null
    const perOperation = (of: (round: Round) => number | undefined) =>
      this.#sum((round) => of(round) ?? 0) / 1_000 / operations
    const server = perOperation(({ serverNs }) => serverNs)
    const postgres = perOperation(({ postgresNs }) => postgresNs)
    const busiest = perOperation(({ busiestNs }) => busiestNs)
    return { server, postgres, total: server + postgres, busiest }
  }

  #database(operations: number): Result['database'] {
    if (!this.#meter) return null
    const perOperation = (of: (cost: DatabaseCost) => number) =>
      this.#sum(({ cost }) => (cost ? of(cost) : 0)) / operations
    return {
      statements: perOperation(({ statements }) => statements),
      rowsWritten: perOperation(({ rowsWritten }) => rowsWritten),
      walBytes: perOperation(({ walBytes }) => walBytes),
      imageBytes: perOperation(({ imageBytes }) => imageBytes),
      growthBytes: this.#growthBytes / operations,
    }
  }
}

/** What the load generator is told: no functions. */
export function addressOf(server: BenchServer): ServerAddress {
  const { name, dialect, isOwn, publicUrl, adminUrl, grpc, decidesAt, population } = server
  return {
    ...{ name, dialect, isOwn, publicUrl, adminUrl, grpc },
    ...(decidesAt && { decidesAt }),
    ...(population && { population }),
  }
}

/** One result for each server that the scenario runs at. */
export async function runScenario(
  options: RunOptions,
  scenario: Scenario,
  servers: readonly BenchServer[],
): Promise<Result[]> {
  const courses = servers.filter(scenario.runsAt).map((server) => new Course(options, scenario, server))
  for (const course of courses) await course.prepare()
  for (let round = 0; round < options.rounds; round++) {
    // Who comes first in one round comes last in the next.
    const order = round % 2 === 0 ? courses : courses.toReversed()
    for (const course of order) await course.runRound()
  }
  const results: Result[] = []
  for (const course of courses) results.push(await course.finish())
  return results
}

export const median = (values: readonly number[]): number => percentilesOf(values).p50

export function percentilesOf(latencies: readonly number[]): Result['latencyMs'] {
  const sorted = Float64Array.from(latencies).sort()
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
