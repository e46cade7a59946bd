// The benchmark works: each scenario runs a few operations at each server and gives a whole result. Nothing is timed.

import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GrowthReport } from '../../bench/growth/results.js'
import { busiestBetween } from '../../bench/measure/processes.js'
import { drawBars } from '../../bench/report/bars.js'
import { capacityOf } from '../../bench/report/scaling.js'
import { placeSection } from '../../bench/report/sections.js'
import { markdownTable, resultHeads, resultRow, targetHeads, targetRows } from '../../bench/report/table.js'
import type { Report, Result } from '../../bench/results.js'
import { scenarios } from '../../bench/scenarios/index.js'
import { targets } from '../../bench/targets.js'
import { ensureBuild } from '../support/build.js'
import { type Suite, startSuite } from '../support/suite.js'

interface Outcome {
  readonly code: number
  readonly output: string
}

let folder: string
let suite: Suite
let outcome: Outcome
let report: Report

async function bench(...args: string[]): Promise<Outcome> {
  const program = (await ensureBuild()).replace('cli/main.js', 'bench/main.js')
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    )
  })
}

function read(file: string, { output }: Outcome): Report {
  if (!existsSync(file)) throw new Error(`no results: ${output}`)
  return JSON.parse(readFileSync(file, 'utf8'))
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-bench-test-'))
  suite = await startSuite()
  const output = join(folder, 'all.json')
  const other = ['--against', suite.publicUrl, '--admin', suite.adminUrl]
  const few = ['--operations', '4', '--rounds', '1', '--concurrency', '2', '--workers', '1']
  outcome = await bench(...few, '--output', output, ...other)
  report = read(output, outcome)
}, 300_000)
afterAll(async () => {
  await suite.stop()
  rmSync(folder, { recursive: true, force: true })
})

const resultsOf = (server: string): Result[] => report.results.filter((result) => result.server.startsWith(server))

describe('npm run bench', () => {
  it('runs every scenario without a wrong answer', () => {
    expect(outcome.output).not.toContain('wrong answers')
    expect(outcome.code).toBe(0)
    const names = (server: string) => resultsOf(server).map(({ scenario }) => scenario)
    expect([...names('tessera'), ...names('@tessera')].toSorted()).toEqual(scenarios.map(({ name }) => name).toSorted())
    for (const { errors, operations } of report.results) {
      expect(errors).toBe(0)
      expect(operations).toBeGreaterThanOrEqual(4)
    }
  })

  it('measures other servers in the same run: oidc-provider in memory and on PostgreSQL, and one given by its URL', () => {
    expect(resultsOf('oidc-provider (in-memory)').length).toBeGreaterThan(10)
    expect(resultsOf('oidc-provider (PostgreSQL)').length).toBeGreaterThan(10)
    expect(resultsOf('empty grpc-js call')).toHaveLength(1)
    const against = resultsOf('against')
    expect(against.length).toBeGreaterThan(10)
    for (const { cpuUs, latencyMs } of against) {
      expect(cpuUs).toBeNull()
      expect(latencyMs.p99).toBeGreaterThan(0)
    }
  })

  it('counts what PostgreSQL counts', () => {
    const databaseOf = (scenario: string) =>
      resultsOf('tessera').find((result) => result.scenario === scenario)?.database
    expect(databaseOf('introspection_http')?.statements).toBe(0)
    expect(databaseOf('refresh_es256')?.statements).toBeGreaterThan(0)
    expect(databaseOf('refresh_es256')?.rowsWritten).toBeGreaterThanOrEqual(1)
    expect(databaseOf('code_flow_es256')?.walBytes).toBeGreaterThan(100)
  })

  it.runIf(process.platform === 'linux')('reads the CPU of server and database, and the memory', () => {
    for (const { cpuUs, residentBytes } of resultsOf('tessera')) {
      expect(cpuUs?.total).toBeGreaterThan(0)
      expect(residentBytes).toBeGreaterThan(2 ** 20)
    }
  })

  it('names the kind of tokens and keys of each result that has any', () => {
    const kindOf = (scenario: string, server: string) =>
      resultsOf(server).find((result) => result.scenario === scenario)?.kind
    for (const server of ['tessera', 'oidc-provider']) {
      expect(kindOf('client_credentials_es256', server)).toMatch(/^ES256, secrets/)
      expect(kindOf('client_credentials_rs256', server)).toMatch(/^RS256-2048, secrets/)
      expect(kindOf('code_flow_rs256', server)).toMatch(/^ID token RS256-2048, secrets/)
      expect(kindOf('introspection_http', server)).toMatch(/^opaque, secrets/)
    }
  })

  it('tells each target beside what was measured', () => {
    const told = targetRows(report).flatMap(([title]) => (title ? [title] : []))
    expect(told).toHaveLength(Object.keys(targets).length)
    for (const row of targetRows(report)) expect(row).toHaveLength(targetHeads.length)
    for (const result of report.results) expect(resultRow(report, result)).toHaveLength(resultHeads.length)
  })

  it('measures several workers in turn with one', async () => {
    const output = join(folder, 'workers.json')
    const options = ['--operations', '8', '--rounds', '2', '--concurrency', '2', '--alone', '--workers', '2']
    const ended = await bench(...options, '--output', output, 'userinfo')
    const { scaling } = read(output, ended)
    expect(ended.code).toBe(0)
    expect(scaling?.pairs.map(({ one, many }) => [one.server, many.server])).toEqual([
      ['tessera', 'tessera, 2 workers'],
    ])
    expect(ended.output).toContain('per second without the generator')
  })

  it('is void, and says so by its exit code, where an answer is wrong', async () => {
    const output = join(folder, 'void.json')
    // The admin port serves no token endpoint.
    const wrong = ['--against', suite.adminUrl, '--admin', suite.adminUrl, '--alone']
    const ended = await bench('--operations', '2', '--rounds', '1', '--output', output, ...wrong, 'jwks')
    expect(ended.code).toBe(1)
    expect(ended.output).toContain('the run is void')
    expect(read(output, ended).results.find(({ server }) => server.startsWith('against'))?.errors).toBeGreaterThan(0)
  })

  it('says which scenarios there are', async () => {
    const { code, output } = await bench('nothing_of_that_name')
    expect(code).toBe(1)
    expect(output).toContain('introspection_http')
  })
})

describe('npm run bench growth', () => {
  it('fills a database with copies of what the server wrote, tells their size and explains every statement', async () => {
    const output = join(folder, 'growth.json')
    const size = ['--grants', '12000', '--clients', '500', '--parts', 'sizes,plans']
    const ended = await bench('growth', ...size, '--output', output)
    expect(ended.code, ended.output).toBe(0)
    const { sizes, plans } = JSON.parse(readFileSync(output, 'utf8')) as GrowthReport
    expect(sizes?.map(({ table, rows }) => [table, rows])).toEqual([
      ['token.grant', 12_001],
      ['consent.consent_session', 12_001],
      ['consent.login_session', 6_001],
      ['client.client', 501],
    ])
    expect(plans).toHaveLength(1)
    expect(plans?.[0]).toMatchObject({ unexplained: [], problems: [] })
  }, 120_000)

  it('writes its section into the document, in its place, and leaves the rest', () => {
    const document = '# Performance\n\n## Side by side\n\nx\n\n## Measure it yourself\n\ny\n'
    const placed = placeSection(document, 'As the database grows', 'first')
    expect(placed).toContain('x\n\n## As the database grows\n\nfirst\n\n## Measure it yourself\n\ny')
    expect(placeSection(placed, 'As the database grows', 'second')).toBe(placed.replace('first', 'second'))
  })
})

describe('tables and pictures', () => {
  it('no thread counts for more than one core, nor all of them for more than there are', () => {
    const cpuUs = (server: number, busiest: number) => ({ cpuUs: { server, busiest, postgres: 0, total: server } })
    expect(capacityOf(cpuUs(120, 100), 1)).toBeCloseTo(1e6 / 120)
    expect(capacityOf(cpuUs(120, 50), 2)).toBeCloseTo(1e6 / 60)
    // One of two does all the work.
    expect(capacityOf(cpuUs(120, 100), 2)).toBeCloseTo(1e6 / 100)
  })

  it('a thread that waited for a core counts as if it had run: the share of a worker is not what others left it', () => {
    const readings = (threads: Record<string, [number, number]>) =>
      new Map(Object.entries(threads).map(([thread, [ran, waited]]) => [thread, { ran, waited }]))
    const before = readings({ one: [100, 0], other: [100, 0] })
    expect(busiestBetween(before, readings({ one: [160, 0], other: [140, 20] }))).toBe(50)
    expect(busiestBetween(before, readings({ one: [200, 0], other: [100, 0] }))).toBe(100)
    expect(busiestBetween(before, before)).toBe(0)
  })

  it('a table has all columns in each line', () => {
    expect(markdownTable(['a', 'b'], [['1', '22']])).toBe('| a | b  |\n|---|----|\n| 1 | 22 |')
  })

  it('a picture tells each value as text too', () => {
    const groups = [{ title: 'A & B', bars: [{ label: 'one', parts: [1_000, 234] }] }]
    const svg = drawBars({ title: 'T', unit: 'µs', legend: ['x'], groups })
    expect(svg).toContain('A &amp; B')
    expect(svg).toContain('1,234 µs')
  })
})
