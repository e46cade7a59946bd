// `npm run bench memory`: how long the start takes, what memory an idle server holds, and whether load makes it grow.
import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { LoadGenerator } from '../load/generator.js'
import type { Limit } from '../load/meter.js'
import { canReadProcesses, readPeak, readResident } from '../measure/processes.js'
import { isVoid, positive, writeResults } from '../options.js'
import { describeMachine } from '../report/machine.js'
import { publishSection } from '../report/sections.js'
import { addressOf, median } from '../run.js'
import { scenarios } from '../scenarios/index.js'
import type { Scenario } from '../scenarios/scenario.js'
import { BenchDatabase } from '../servers/database.js'
import { startTessera } from '../servers/index.js'
import type { BenchServer } from '../servers/server.js'
import { describeMemory, type MemoryReport, memorySection, type Sample } from './report.js'

interface Options {
  readonly minutes: number
  readonly idle: number
  readonly pause: number
  readonly output?: string
  readonly publish?: true
}

const starts = 5
/** Of each scenario; all of them run at once. */
const concurrency = 1
const burst: Limit = { seconds: 3 }
/** Of what uses something up, in a burst. */
const burstOperations: Limit = { operations: 40 }

/** Those that measure how long a chain is are no load of their own. */
const mixedAt = (server: BenchServer): readonly Scenario[] =>
  scenarios.filter(({ name, runsAt }) => runsAt(server) && !name.startsWith('refresh_chain'))

const seconds = (text: string): number => (text === '0' ? 0 : positive(text))

/** The median of some starts on a database that is there already, and the last server. */
async function timeStarts(postgres: BenchDatabase): Promise<{ server: BenchServer; startMs: number }> {
  let server = await startTessera(postgres)
  const times: number[] = []
  for (let count = 0; count < starts; count++) {
    await server.stop()
    server = await startTessera(postgres)
    times.push(server.startMs)
  }
  return { server, startMs: median(times) }
}

interface Driven {
  operations: number
  errors: number
  firstError: string
  readonly samples: Sample[]
}

async function drive(server: BenchServer, generator: LoadGenerator, options: Options): Promise<Driven> {
  const driven: Driven = { operations: 0, errors: 0, firstError: '', samples: [] }
  const places = mixedAt(server).map((scenario) => ({
    place: { scenario: scenario.name, server: addressOf(server) },
    limit: scenario.operations === undefined ? burst : burstOperations,
  }))
  for (const { place } of places) await generator.do('prepare', { ...place, concurrency, pipelining: 1 })
  const beganAt = performance.now()
  const minuteNow = () => (performance.now() - beganAt) / 60_000
  while (minuteNow() < options.minutes) {
    for (const { place, limit } of places) await generator.do('refill', { ...place, limit })
    const loads = await Promise.all(places.map(({ place, limit }) => generator.do('run', { ...place, limit })))
    for (const { operations, errors, firstError } of loads) {
      driven.operations += operations
      driven.errors += errors
      driven.firstError ||= firstError
    }
    const residentBytes = readResident(server.pid) ?? Number.NaN
    driven.samples.push({ minute: minuteNow(), residentBytes, operations: driven.operations })
    const shown = `${minuteNow().toFixed(1)} of ${options.minutes} minutes: ${Math.round(residentBytes / 1_048_576)} MiB`
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${shown}` : `${shown}\n`)
    await delay(options.pause * 1_000)
  }
  for (const { place } of places) await generator.do('finish', place)
  return driven
}

async function memory(options: Options): Promise<void> {
  if (!canReadProcesses) throw new Error('memory can be read on Linux alone')
  const postgres = await BenchDatabase.start()
  const generator = new LoadGenerator()
  let server: BenchServer | undefined
  try {
    const started = await timeStarts(postgres)
    server = started.server
    process.stderr.write(`ready after ${Math.round(started.startMs)} ms; idle for ${options.idle} s …\n`)
    await delay(options.idle * 1_000)
    const idleBytes = readResident(server.pid) ?? Number.NaN
    const driven = await drive(server, generator, options)
    const report: MemoryReport = {
      startedAt: new Date().toISOString(),
      ...describeMachine(),
      postgres: postgres.version,
      startMs: started.startMs,
      idleBytes,
      minutes: options.minutes,
      scenarios: mixedAt(server).map(({ name }) => name),
      peakBytes: readPeak(server.pid) ?? Number.NaN,
      ...driven,
    }
    finish(report, options, server.said?.() ?? [])
  } finally {
    await generator.stop()
    await server?.stop()
    await postgres.stop()
  }
}

function finish(report: MemoryReport, options: Options, said: readonly string[]): void {
  process.stdout.write(`\n\n${describeMemory(report)}\n\n`)
  writeResults(report, 'memory.json', options.output)
  // An answer tells no cause; the log does, and which call and deadline it was.
  const wrong = report.errors > 0 ? [[report.firstError, ...said].join('\n')] : []
  if (!isVoid(wrong) && options.publish) publishSection(memorySection, report)
}

export function addMemory(program: Command): void {
  program
    .command('memory')
    .description('Measure the start, the memory of an idle server, and whether mixed load makes it grow.')
    .option('--minutes <count>', 'how long it is under load', positive, 30)
    .option('--idle <seconds>', 'how long it is idle before', seconds, 60)
    .option('--pause <seconds>', 'rest between bursts of load, of three seconds each', seconds, 0)
    .option('--output <file>', 'where the results go as JSON (default: bench/results/memory.json)')
    .option('--publish', 'write the section on memory in docs/performance.md')
    .action(memory)
}
