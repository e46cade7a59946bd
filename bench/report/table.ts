// The results as tables in Markdown, which can be read in a terminal too.
import { type Report, type Result, resultOf } from '../results.js'
import { emptyGrpcName, packageName, tesseraName } from '../servers/server.js'
import { hydraCosts, peerCosts, type Target, targets } from '../targets.js'

export type Row = readonly string[]

export function markdownTable(heads: Row, rows: readonly Row[]): string {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: Row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(heads), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n')
}

/** Three digits that count. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return ''
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(2).replace(/\.?0+$/, '')
}

export const resultHeads: Row = [
  ...['scenario', 'server', 'keys', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'errors'],
  ...['server µs', 'PostgreSQL µs', 'together µs', 'Tessera is', 'statements', 'rows', 'WAL bytes', 'MiB'],
]

/** One line for each scenario and server. */
export function resultRow(report: Report, result: Result): Row {
  const { cpuUs, database, latencyMs, residentBytes } = result
  return [
    ...[result.title, result.server, result.kind, number(result.perSecond)],
    ...[latencyMs.p50, latencyMs.p95, latencyMs.p99].map((ms) => ms.toFixed(2)),
    result.errors === 0 ? '0' : `${result.errors}: ${result.firstError.slice(0, 80)}`,
    ...(cpuUs ? [cpuUs.server, cpuUs.postgres, cpuUs.total].map(number) : ['', '', '']),
    ratioTo(report, result),
    ...(database ? [database.statements, database.rowsWritten, database.walBytes].map(number) : ['', '', '']),
    residentBytes === null ? '' : number(residentBytes / 2 ** 20),
  ]
}

/** How many times what Tessera costs this one does: by CPU, or by time where that is all that is known. */
function ratioTo(report: Report, { scenario, server, cpuUs, latencyMs }: Result): string {
  const own = resultOf(report, scenario, tesseraName) ?? resultOf(report, scenario, packageName)
  if (!own || server === own.server) return ''
  const [ratio, by] =
    cpuUs && own.cpuUs ? [cpuUs.total / own.cpuUs.total, 'CPU'] : [latencyMs.p50 / own.latencyMs.p50, 'p50']
  return ratio >= 1 ? `${number(ratio)}× less ${by}` : `${number(1 / ratio)}× more ${by}`
}

export const targetHeads: Row = [
  'scenario',
  'keys',
  'target',
  'measured',
  '',
  'Hydra elsewhere',
  'Hydra’s keys',
  'ratio',
]

/** One line for each target: what was aimed at, what was measured, and what Hydra was measured to cost elsewhere. */
export function targetRows(report: Report): Row[] {
  return report.results.flatMap((result) => {
    const target = targets[result.scenario]
    if (!target || result.server !== tesseraName) return []
    const hydra = hydraCosts[result.scenario]
    return checksOf(report, result, target).map(({ aim, measured, isMet }, index) => {
      const isFirst = index === 0 && hydra !== undefined && result.cpuUs !== null
      const hydraUs = hydra ? hydra.serverUs + hydra.postgresUs : 0
      return [
        ...(index === 0 ? [result.title, result.kind] : ['', '']),
        ...[aim, measured, isMet ? 'met' : '**not met**'],
        ...(isFirst
          ? [`${number(hydraUs)} µs`, hydra.kind, `${number(hydraUs / (result.cpuUs?.total ?? Number.NaN))}×`]
          : ['', '', '']),
      ]
    })
  })
}

export const peerHeads: Row = ['peer', 'scenario', 'µs where the targets were set', 'µs in this run', 'times']

/** One line for each peer and scenario that was measured where the targets were set, too. */
export function peerRows(report: Report): Row[] {
  return Object.entries(peerCosts).flatMap(([server, costs]) =>
    Object.entries(costs).flatMap(([scenario, there]) => {
      const result = resultOf(report, scenario, server)
      if (!result?.cpuUs) return []
      const { total } = result.cpuUs
      return [[server, titleOf(result), number(there), number(total), number(total / there)]]
    }),
  )
}

/** The scenario, with the kind of its tokens where it has several. */
export const titleOf = ({ title, kind }: Result): string =>
  [title, kind.split(/(?:, )?secrets/, 1)[0]].filter(Boolean).join(' · ')

interface Check {
  readonly aim: string
  readonly measured: string
  readonly isMet: boolean
}

function checksOf(report: Report, result: Result, target: Target): Check[] {
  const { cpuUs, database } = result
  const empty = resultOf(report, result.scenario, emptyGrpcName)
  const check = (limit: number | undefined, value: number | undefined, unit: string): Check[] =>
    limit === undefined || value === undefined
      ? []
      : // The counters count the few statements and rows of the background too.
        [{ aim: `≤ ${number(limit)} ${unit}`, measured: `${number(value)} ${unit}`, isMet: value <= limit * 1.005 }]
  const times = cpuUs && empty?.cpuUs ? cpuUs.total / empty.cpuUs.total : undefined
  return [
    ...check(target.cpuUs, cpuUs?.total, 'µs'),
    ...check(target.timesEmpty, times, '× an empty call'),
    ...check(target.statements, database?.statements, 'statements'),
    ...check(target.rowsWritten, database?.rowsWritten, 'rows written'),
    ...check(target.walBytes, database?.walBytes, 'bytes of WAL'),
    ...check(target.growthBytes, database?.growthBytes, 'bytes on the disk'),
  ]
}
