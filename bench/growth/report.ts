// What growth changes, as a section of docs/performance.md: each target beside what was measured.
import type { Section } from '../report/sections.js'
import { markdownTable, number, type Row } from '../report/table.js'
import type { Result } from '../results.js'
import { median } from '../run.js'
import { smallTables } from './plans.js'
import { type GrowthReport, grownName, type PurgeResult, smallName, type TableSize } from './results.js'

/** Times the p99 on an almost empty database, or without a purge. */
const maxRatio = 1.2
const maxBytesOfGrant = 400
const minPurgedOfHour = 1_000_000
/** Part of a table that may be dead rows when autovacuum has been. */
const maxDead = 0.06

const whole = (value: number) => Math.round(value).toLocaleString('en')
const ms = (value: number) => value.toFixed(2)
const verdict = (isMet: boolean) => (isMet ? 'met' : '**not met**')

interface Pair {
  readonly small: Result
  readonly grown: Result
}

function pairsOf({ results = [] }: GrowthReport): Pair[] {
  return results
    .filter(({ server }) => server === grownName)
    .flatMap((grown) => {
      const small = results.find((result) => result.server === smallName && result.scenario === grown.scenario)
      return small ? [{ small, grown }] : []
    })
}

/** The median of the rounds, so that what else the machine does in one of them hits it less. */
const p99Of = ({ p99OfRounds }: Result): number => median(p99OfRounds)

const ratioOf = ({ small, grown }: Pair): number => p99Of(grown) / p99Of(small)

function targetRows(report: GrowthReport): Row[] {
  const { sizes, plans, hot, purge } = report
  const grants = sizes?.find(({ table }) => table === 'token.grant')
  const row = (target: string, measured: string, isMet: boolean): Row => [target, measured, verdict(isMet)]
  return [
    ...pairsOf(report).map((pair) =>
      row(`${pair.grown.title}: p99 ≤ ${maxRatio} ×`, `${number(ratioOf(pair))} ×`, ratioOf(pair) <= maxRatio),
    ),
    ...(grants
      ? [
          row(
            `≤ ${maxBytesOfGrant} bytes a grant, with indexes`,
            whole(bytesOfRow(grants)),
            bytesOfRow(grants) <= maxBytesOfGrant,
          ),
        ]
      : []),
    ...(plans ?? []).map(({ state, problems, plans: count, unexplained }) =>
      row(
        `no sequential scan in any plan, ${state}`,
        `${problems.length} of ${count} plans${unexplained.length > 0 ? `, ${unexplained.length} unknown` : ''}`,
        problems.length + unexplained.length === 0,
      ),
    ),
    ...(hot
      ? [
          row(
            'a refresh is a HOT update',
            `${whole(hot.hotUpdates)} of ${whole(hot.updates)}`,
            hot.updates > 0 && hot.hotUpdates >= 0.99 * hot.updates,
          ),
        ]
      : []),
    ...(purge ? purgeTargets(purge) : []),
  ]
}

const perHour = ({ rows, seconds }: PurgeResult['tables'][number]): number => (rows / Math.max(seconds, 1)) * 3_600

function purgeTargets({ tables, loads, states }: PurgeResult): Row[] {
  const slowest = Math.min(...tables.filter(({ rows }) => rows >= 10_000).map(perHour))
  const dead = Math.max(...states.after.map(({ deadRows, liveRows }) => (liveRows > 10_000 ? deadRows / liveRows : 0)))
  return [
    [
      `purge: ≥ ${whole(minPurgedOfHour)} rows an hour of each kind`,
      `${whole(slowest)} of the slowest`,
      verdict(slowest >= minPurgedOfHour),
    ],
    ...loads.map(({ title, quiet, purging }): Row => {
      const ratio = purging.p99 / quiet.p99
      return [`${title}, while it purges: p99 ≤ ${maxRatio} ×`, `${number(ratio)} ×`, verdict(ratio <= maxRatio)]
    }),
    [`dead rows after autovacuum ≤ ${maxDead * 100} %`, `${number(dead * 100)} %`, verdict(dead <= maxDead)],
  ]
}

const bytesOfRow = ({ rows, heapBytes, indexBytes }: TableSize): number => (heapBytes + indexBytes) / rows

function latencyTable(report: GrowthReport): string {
  const heads = [
    '',
    'p50 before',
    'p50 after',
    'p99 before',
    'p99 after',
    'p99',
    'server µs',
    'PostgreSQL µs',
    'statements',
  ]
  const both = (pair: Pair, of: (result: Result) => number | undefined) =>
    [pair.small, pair.grown].map((result) => number(of(result) ?? Number.NaN)).join(' → ')
  const rows = pairsOf(report).map((pair): Row => {
    const { small, grown } = pair
    return [
      grown.title,
      ...[small.latencyMs.p50, grown.latencyMs.p50, p99Of(small), p99Of(grown)].map(ms),
      `${number(ratioOf(pair))} ×`,
      both(pair, ({ cpuUs }) => cpuUs?.server),
      both(pair, ({ cpuUs }) => cpuUs?.postgres),
      both(pair, ({ database }) => database?.statements),
    ]
  })
  return markdownTable(heads, rows)
}

function sizeTable(sizes: readonly TableSize[]): string {
  const rows = sizes.map(({ table, rows: count, heapBytes, indexBytes }) => [
    table,
    whole(count),
    ...[heapBytes, indexBytes, heapBytes + indexBytes].map((bytes) => whole(bytes / count)),
  ])
  return markdownTable(['table', 'rows', 'bytes of a row', 'in indexes', 'together'], rows)
}

function purgeTables({ tables, loads, states }: PurgeResult): string {
  const stateOf = (when: keyof typeof states, table: string) => states[when].find((state) => state.table === table)
  const mib = (bytes = 0) => whole(bytes / 2 ** 20)
  const purged = tables.map((entry) => {
    const [before, after] = [stateOf('before', entry.table), stateOf('after', entry.table)]
    return [
      entry.table,
      whole(entry.rows),
      number(entry.seconds),
      whole(perHour(entry)),
      `${mib(before?.bytes)} → ${mib(after?.bytes)}`,
      `${whole(stateOf('purged', entry.table)?.deadRows ?? 0)} → ${whole(after?.deadRows ?? 0)}`,
    ]
  })
  const answered = loads.map(({ title, quiet, purging }) => [
    title,
    ...[quiet.p50, purging.p50, quiet.p99, purging.p99].map(ms),
    `${number(purging.p99 / quiet.p99)} ×`,
    `${whole(quiet.operations)}, ${whole(purging.operations)}`,
  ])
  return `${markdownTable(['table', 'rows purged', 'seconds', 'an hour', 'MiB', 'dead rows, and after autovacuum'], purged)}

${markdownTable(['meanwhile', 'p50 quiet', 'p50 purging', 'p99 quiet', 'p99 purging', 'p99', 'operations'], answered)}`
}

/** What reads a whole table, by statement. */
const problemsOf = ({ plans = [] }: GrowthReport): string =>
  plans
    .flatMap(({ problems, unexplained }) => [
      ...problems.map(({ statement, table, plan }) => `- ${table}, ${plan}: \`${oneLine(statement)}\``),
      ...unexplained.map((text) => `- not explained: ${oneLine(text)}`),
    ])
    .join('\n')

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, 160)

export function describeGrowth(report: GrowthReport): string {
  const { size, small, sizes, plans, purge, startedAt, commit } = report
  const exempt = Object.entries(smallTables).map(([table, why]) => `\`${table}\` (${why})`)
  const parts = [
    `Written by \`npm run bench growth -- --publish\` on ${startedAt.slice(0, 10)}, at commit ${commit}: ${whole(size.grants)} live grants and
${whole(size.clients)} clients beside ${whole(small.grants)} grants and ${whole(small.clients)} clients, in one PostgreSQL with 2 GB of shared buffers. Rows
are copies of what the server wrote, with keys and times of their own. Rounds go to and fro between the two; requests come at
a fixed rate, each for another grant, subject or client. A p99 is the median of those of the rounds.`,
    markdownTable(['target', 'measured', ''], targetRows(report)),
    ...(report.results ? [latencyTable(report)] : []),
    ...(sizes ? [sizeTable(sizes)] : []),
    ...(plans
      ? [
          `Plans are those of every statement that the stores define or that Prisma sent, for any values, and for those of a call
where there was one. Left out are tables that do not grow: ${exempt.join(', ')}.`,
        ]
      : []),
    ...(problemsOf(report) ? [problemsOf(report)] : []),
    ...(purge ? [purgeTables(purge)] : []),
  ]
  return parts.join('\n\n')
}

export const growthSection: Section<GrowthReport> = {
  heading: 'As the database grows',
  file: 'published_growth.json',
  describe: describeGrowth,
}
