import { Command } from 'commander'
import { countCores } from '../cli/cores.js'
import { addGrowth } from './growth/index.js'
import { LoadGenerator } from './load/generator.js'
import { canReadProcesses } from './measure/processes.js'
import { addMemory } from './memory/index.js'
import { isVoid, positive, writeResults } from './options.js'
import { publish } from './report/document.js'
import { describeMachine } from './report/machine.js'
import { scalingHeads, scalingRows } from './report/scaling.js'
import { markdownTable, resultHeads, resultRow, targetHeads, targetRows } from './report/table.js'
import { type Report, type Result, type Scaling, wrongOf } from './results.js'
import { type RunOptions, runScenario } from './run.js'
import { measureScaling, scaled } from './scaling.js'
import { scenarios } from './scenarios/index.js'
import type { Scenario } from './scenarios/scenario.js'
import { BenchDatabase } from './servers/database.js'
import { otherServer, startEmptyGrpc, startOidcProvider, startResourceServer, startTessera } from './servers/index.js'
import { type BenchServer, tesseraName } from './servers/server.js'

interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly concurrency: number
  readonly operations?: number
  readonly alone?: true
  readonly workers?: number
  readonly against?: string
  readonly admin?: string
  readonly pid?: number
  readonly profile?: string
  readonly output?: string
  readonly publish?: true
}

function chooseScenarios(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return scenarios
  const unknown = names.find((name) => !scenarios.some((scenario) => scenario.name === name))
  if (unknown)
    program.error(`there is no scenario ${unknown}: choose of ${scenarios.map(({ name }) => name).join(', ')}`)
  return scenarios.filter(({ name }) => names.includes(name))
}

async function startServers(postgres: BenchDatabase, options: Options, servers: BenchServer[]): Promise<void> {
  const tessera = await startTessera(postgres, { profiles: options.profile })
  servers.push(tessera, await startResourceServer(tessera, 'package'))
  if (!options.alone) {
    servers.push(await startResourceServer(tessera, 'jose'))
    servers.push(await startOidcProvider(postgres, 'memory'))
    servers.push(await startOidcProvider(postgres, 'postgres'))
    servers.push(await startEmptyGrpc())
  }
  if (options.against) servers.push(otherServer(options.against, options.admin ?? options.against, options.pid))
}

async function measure(names: readonly string[], options: Options): Promise<Report> {
  const startedAt = new Date().toISOString()
  const postgres = await BenchDatabase.start()
  const generator = new LoadGenerator()
  const servers: BenchServer[] = []
  try {
    await startServers(postgres, options, servers)
    const { rounds, seconds, concurrency, operations } = options
    const run = { generator, postgres, rounds, seconds, concurrency, operations }
    const results: Result[] = []
    for (const scenario of chooseScenarios(names)) {
      process.stderr.write(`${scenario.title} (${scenario.name}) …\n`)
      results.push(...(await runScenario(run, scenario, servers)))
    }
    const scaling = await measureWorkers(run, names, options, servers)
    return {
      startedAt,
      ...describeMachine(),
      postgres: postgres.version,
      settings: { rounds, seconds, concurrency },
      servers: servers.map(({ name, version, description }) => ({ name, version, description })),
      results,
      scaling,
    }
  } finally {
    await generator.stop()
    await Promise.all(servers.map((server) => server.stop()))
    await postgres.stop()
  }
}

/** In a run of everything, or where it was asked for; the named scenarios, or those that are about a server's own work. */
async function measureWorkers(
  run: RunOptions,
  names: readonly string[],
  options: Options,
  servers: readonly BenchServer[],
): Promise<Scaling | null> {
  const { workers = names.length === 0 && !options.alone ? countCores() : 1 } = options
  const one = servers.find(({ name }) => name === tesseraName)
  if (workers === 1 || !one) return null
  const chosen = names.length === 0 ? scenarios.filter(({ name }) => scaled.includes(name)) : chooseScenarios(names)
  return measureScaling(run, chosen, one, workers)
}

function print(report: Report): void {
  const rows = report.results.map((result) => resultRow(report, result))
  process.stdout.write(`\n${markdownTable(resultHeads, rows)}\n\n`)
  if (!canReadProcesses) process.stdout.write('CPU and memory can be read on Linux alone.\n')
  else process.stdout.write(`${markdownTable(targetHeads, targetRows(report))}\n\n`)
  if (report.scaling) process.stdout.write(`${markdownTable(scalingHeads, scalingRows(report.scaling))}\n\n`)
}

async function bench(names: readonly string[], options: Options): Promise<void> {
  chooseScenarios(names)
  const report = await measure(names, options)
  print(report)
  writeResults(report, `${report.startedAt.replace(/[:.]/g, '-')}.json`, options.output)
  const measured = [...report.results, ...(report.scaling?.pairs ?? []).flatMap(({ one, many }) => [one, many])]
  if (!isVoid(wrongOf(measured)) && options.publish) publish(report)
}

const program = new Command('npm run bench --')
  .description('Measure what each kind of request costs: time, CPU, statements, rows, bytes of the database log.')
  .argument('[scenario...]', `what to measure; all if none is named: ${scenarios.map(({ name }) => name).join(', ')}`)
  .option('--rounds <count>', 'rounds that go round the servers', positive, 3)
  .option('--seconds <count>', 'how long a round is at each server; for code flows, four times as long', positive, 1)
  .option('--concurrency <count>', 'calls under way at once', positive, 16)
  .option('--operations <count>', 'operations of a round, instead of a time', positive)
  .option('--alone', 'Tessera alone')
  .option(
    '--workers <count>',
    'Tessera with so many workers too, in turn with one (all scenarios: one a core)',
    positive,
  )
  .option('--against <url>', "a running server with Hydra's API, measured too: its public port")
  .option('--admin <url>', 'its admin port')
  .option('--pid <process>', 'its process on this machine, so that its CPU can be read', positive)
  .option('--profile <folder>', 'write a CPU profile of Tessera')
  .option('--output <file>', 'where the results go as JSON (default: bench/results)')
  .option('--publish', 'write docs/performance.md and its pictures')
  .action(bench)

program.enablePositionalOptions()
addGrowth(program)
addMemory(program)

await program.parseAsync()
