// `npm run bench growth`: fills a database and measures what that changes.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type pg from 'pg'
import { LoadGenerator } from '../load/generator.js'
import { isVoid, writeResults } from '../options.js'
import { describeMachine } from '../report/machine.js'
import { publishSection } from '../report/sections.js'
import { type Result, wrongOf } from '../results.js'
import { runScenario } from '../run.js'
import type { Scenario } from '../scenarios/scenario.js'
import { BenchDatabase } from '../servers/database.js'
import type { BenchServer } from '../servers/server.js'
import { checkPlans } from './plans.js'
import { type Progress, populate, type Size } from './population.js'
import { measurePurge } from './purge.js'
import { readRecords } from './recording.js'
import { describeGrowth, growthSection } from './report.js'
import { type GrowthReport, grownName, smallName } from './results.js'
import { writeSample } from './sample.js'
import { growthScenarios } from './scenarios.js'
import { makeOriginal, type Original, startOn, statementsFile } from './servers.js'
import { sizesOf, updatesOf } from './sizes.js'
import { definedStatements } from './statements.js'
import { tour } from './tour.js'

interface Options {
  readonly grants: number
  readonly clients: number
  readonly expired?: number
  readonly rounds: number
  readonly seconds: number
  readonly data?: string
  readonly parts: readonly Part[]
  readonly scenarios: readonly Scenario[]
  readonly output?: string
  readonly publish?: true
}

const parts = ['latency', 'sizes', 'plans', 'purge'] as const
type Part = (typeof parts)[number]

/** As much of the memory as is usual for PostgreSQL. */
const settings = { shared_buffers: '2GB' }

const count = (text: string): number => {
  const value = Number(text.replaceAll('_', ''))
  if (!(Number.isInteger(value) && value > 0)) throw new InvalidArgumentError('a whole number above 0 is needed')
  return value
}

const partsOf = (text: string): readonly Part[] =>
  text.split(',').map((name) => {
    const part = parts.find((candidate) => candidate === name)
    if (!part) throw new InvalidArgumentError(`choose of ${parts.join(', ')}`)
    return part
  })

const scenariosOf = (text: string): readonly Scenario[] =>
  text.split(',').map((name) => {
    const scenario = growthScenarios.find((candidate) => candidate.name === `growth_${name}`)
    if (!scenario) throw new InvalidArgumentError(`choose of ${scenarioNames}`)
    return scenario
  })

const scenarioNames = growthScenarios.map(({ name }) => name.replace('growth_', '')).join(',')

let shown = ''
/** One line for each thing, which grows while it is under way. */
const progress: Progress = (what, done, of) => {
  const line = of === 1 ? `${what} …` : `${what}: ${done.toLocaleString('en')} of ${of.toLocaleString('en')}`
  const isSame = shown !== '' && shown.split(':')[0] === what
  process.stderr.write(process.stderr.isTTY && isSame ? `\r\x1b[K${line}` : `${shown === '' ? '' : '\n'}${line}`)
  shown = line
}

/** One of the two databases, filled, with its server. */
class Populated {
  readonly server: BenchServer
  readonly client: pg.Client
  readonly size: Size
  readonly original: Original
  readonly fillSeconds: number | undefined

  constructor(server: BenchServer, client: pg.Client, size: Size, original: Original, fillSeconds: number | undefined) {
    this.server = server
    this.client = client
    this.size = size
    this.original = original
    this.fillSeconds = fillSeconds
  }

  static async start(postgres: BenchDatabase, name: string, size: Size, folder: string): Promise<Populated> {
    const server = await startOn(postgres, name, folder)
    const client = await postgres.connect(name)
    const file = join(folder, `${name}_original.json`)
    let fillSeconds: number | undefined
    if (!existsSync(file)) {
      const original = await makeOriginal(server, client)
      const beganAt = performance.now()
      await populate(client, size, original, (what, done, of) => progress(`${name} ${what}`, done, of))
      fillSeconds = (performance.now() - beganAt) / 1_000
      writeFileSync(file, JSON.stringify(original))
    }
    const original = JSON.parse(readFileSync(file, 'utf8')) as Original
    return new Populated(server, client, size, original, fillSeconds)
  }

  /** Writes what the load generator calls for, as it is now: refresh tokens that an earlier part has used are good no more. */
  async sample(folder: string): Promise<void> {
    await writeSample(this.client, this.size, this.original, join(folder, `${this.server.name}.json`))
  }

  async stop(): Promise<void> {
    await this.client.query('CHECKPOINT')
    await this.client.end()
    await this.server.stop()
  }
}

async function measureLatency(postgres: BenchDatabase, both: readonly Populated[], options: Options) {
  const generator = new LoadGenerator()
  const results = []
  const grown = both.at(-1)?.client as pg.Client
  const hot = { updates: 0, hotUpdates: 0 }
  try {
    for (const scenario of options.scenarios) {
      progress(scenario.title, 0, 1)
      const before = await updatesOf(grown)
      const { rounds, seconds } = options
      const run = { generator, postgres, rounds, seconds, concurrency: 16, operations: undefined }
      results.push(
        ...(await runScenario(
          run,
          scenario,
          both.map(({ server }) => server),
        )),
      )
      const after = await updatesOf(grown)
      if (scenario.name === 'growth_refresh') {
        hot.updates = after.updates - before.updates
        hot.hotUpdates = after.hotUpdates - before.hotUpdates
      }
    }
  } finally {
    await generator.stop()
  }
  return { results, hot }
}

async function explainAll(grown: Populated, folder: string, state: string) {
  progress(`plans, ${state}`, 0, 1)
  await tour(grown.server)
  const recorded = readRecords(statementsFile(folder))
  const known = new Set(recorded.map(({ schema, text }) => `${schema} ${text}`))
  const rest = definedStatements.filter(({ schema, text }) => !known.has(`${schema} ${text}`))
  return checkPlans(grown.client, state, [...recorded, ...rest])
}

async function purge(grown: Populated, expired: number) {
  const generator = new LoadGenerator()
  try {
    const { client, server, size, original: template } = grown
    return await measurePurge({ client, generator, server, size, template, expired, progress })
  } finally {
    await generator.stop()
  }
}

/** In the order of the scenarios: what was measured now, and else what was before. */
const replaced = (before: readonly Result[] = [], now: readonly Result[]): Result[] =>
  growthScenarios.flatMap(({ name }) => {
    const of = (results: readonly Result[]) => results.filter(({ scenario }) => scenario === name)
    return of(now).length > 0 ? of(now) : of(before)
  })

/** What is known already, from an earlier run on the same files. */
const resume = (file: string): Partial<GrowthReport> =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<GrowthReport>) : {}

async function measure(postgres: BenchDatabase, folder: string, options: Options): Promise<GrowthReport> {
  const kept = join(folder, 'report.json')
  const size = { grants: options.grants, clients: options.clients }
  const small = { grants: 10_000, clients: 1_000 }
  let report: GrowthReport = {
    ...resume(kept),
    startedAt: new Date().toISOString(),
    ...describeMachine(),
    postgres: postgres.version,
    size,
    small,
  }
  const keep = (found: Partial<GrowthReport>) => {
    report = { ...report, ...found }
    writeFileSync(kept, JSON.stringify(report, undefined, 2))
  }
  // What an earlier version sent does not count.
  rmSync(statementsFile(folder), { force: true })
  const both = [
    await Populated.start(postgres, smallName, small, folder),
    await Populated.start(postgres, grownName, size, folder),
  ]
  const [, grown] = both as [Populated, Populated]
  try {
    if (grown.fillSeconds !== undefined) keep({ fillSeconds: grown.fillSeconds })
    const asked = (part: Part) => options.parts.includes(part)
    if (asked('sizes')) keep({ sizes: await sizesOf(grown.client) })
    if (asked('latency')) {
      for (const populated of both) await populated.sample(folder)
      const { results, hot } = await measureLatency(postgres, both, options)
      keep({ results: replaced(report.results, results), ...(hot.updates > 0 && { hot }) })
    }
    if (asked('plans')) keep({ plans: [await explainAll(grown, folder, 'as it was filled')] })
    if (asked('purge')) {
      await grown.sample(folder)
      keep({ purge: await purge(grown, options.expired ?? Math.min(Math.ceil(size.grants / 10), 1_000_000)) })
    }
  } finally {
    for (const populated of both) await populated.stop()
  }
  return report
}

const wrongAnswers = ({ results = [], purge: purging }: GrowthReport): string[] => [
  ...wrongOf(results),
  ...(purging?.loads ?? [])
    .filter(({ errors }) => errors > 0)
    .map(({ title, firstError }) => `${title}, while it purges: ${firstError}`),
]

/** Whatever ends the run, nothing of it stays but what was asked to. */
function stopOnSignals(stop: () => Promise<void>): AbortSignal {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      interrupted.abort()
      void stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
    })
  return interrupted.signal
}

async function growth(options: Options): Promise<void> {
  const kept = options.data
  if (kept) mkdirSync(kept, { recursive: true })
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'tessera-growth-'))
  const postgres = await BenchDatabase.start({ kept, settings })
  let cleaned: Promise<void> | undefined
  const clean = () => {
    cleaned ??= postgres.stop().then(() => {
      if (!kept) rmSync(folder, { recursive: true, force: true })
    })
    return cleaned
  }
  const interrupted = stopOnSignals(clean)
  try {
    const report = await measure(postgres, folder, options)
    process.stdout.write(`\n\n${describeGrowth(report)}\n`)
    writeResults(report, 'growth.json', options.output)
    if (!isVoid(wrongAnswers(report)) && options.publish) publishSection(growthSection, report)
  } catch (thrown) {
    // A statement that was under way when the run was ended is no failure.
    if (!interrupted.aborted) throw thrown
  } finally {
    await clean()
  }
}

export function addGrowth(program: Command): void {
  program
    .command('growth')
    .description('Fill a database with millions of grants, and measure what that changes.')
    .option('--grants <count>', 'live grants, each with its consent session', count, 10_000_000)
    .option('--clients <count>', 'clients', count, 1_000_000)
    .option(
      '--expired <count>',
      'grants that expire to be purged (default: a tenth of the grants, at most a million)',
      count,
    )
    .option('--rounds <count>', 'rounds that go round the two databases', count, 40)
    .option('--seconds <count>', 'how long a round is at each', count, 1)
    .option('--parts <names>', `what is measured: ${parts.join(',')}`, partsOf, parts)
    .option('--scenarios <names>', `whose latency: ${scenarioNames}`, scenariosOf, growthScenarios)
    .option('--data <folder>', 'keep the database here, and begin with what an earlier run left here')
    .option('--output <file>', 'where the results go as JSON (default: bench/results/growth.json)')
    .option('--publish', 'write the section on growth in docs/performance.md')
    .action(growth)
}
