// How long the start takes, and what memory the server holds: idle, and under mixed load for as long as it was driven.
import type { Section } from '../report/sections.js'
import { markdownTable, number, type Row } from '../report/table.js'
import type { Report } from '../results.js'

export interface MemoryReport extends Pick<Report, 'startedAt' | 'commit' | 'machine' | 'node' | 'postgres'> {
  /** Until it says that it is ready, with the database up; of several starts the median. */
  readonly startMs: number
  /** A minute after the start, without a call. */
  readonly idleBytes: number
  readonly minutes: number
  readonly scenarios: readonly string[]
  readonly operations: number
  readonly errors: number
  readonly firstError: string
  readonly samples: readonly Sample[]
  /** The most at any moment, also between two samples. */
  readonly peakBytes: number
}

export interface Sample {
  /** Since the load began. */
  readonly minute: number
  readonly residentBytes: number
  readonly operations: number
}

const maxStartMs = 1_500
const maxIdleMiB = 150
const maxLoadMiB = 250
/** Times the second quarter of the time, at most. */
const flat = 1.05

const mib = (bytes: number): number => bytes / 1_048_576
const meanOf = (samples: readonly Sample[]): number =>
  samples.reduce((sum, { residentBytes }) => sum + residentBytes, 0) / Math.max(1, samples.length)
const quarter = (samples: readonly Sample[], which: 2 | 4): Sample[] =>
  samples.slice(Math.floor(((which - 1) * samples.length) / 4), Math.ceil((which * samples.length) / 4))

export function describeMemory(report: MemoryReport): string {
  const { startedAt, commit, startMs, idleBytes, minutes, scenarios, operations, errors, samples } = report
  const row = (target: string, measured: string, isMet: boolean): Row => [
    target,
    measured,
    isMet ? 'met' : '**not met**',
  ]
  const peak = mib(report.peakBytes)
  const growth = meanOf(quarter(samples, 4)) / meanOf(quarter(samples, 2))
  const targets = [
    row(
      `from start to ready ≤ ${number(maxStartMs)} ms, the database up`,
      `${number(startMs)} ms`,
      startMs <= maxStartMs,
    ),
    row(`idle ≤ ${maxIdleMiB} MiB`, `${number(mib(idleBytes))} MiB`, mib(idleBytes) <= maxIdleMiB),
    row(`under load ≤ ${maxLoadMiB} MiB`, `${number(peak)} MiB at most`, peak <= maxLoadMiB),
    row(
      `flat over ${number(minutes)} minutes: the last quarter ≤ ${flat} × the second`,
      `${number(growth)} ×`,
      growth <= flat,
    ),
  ]
  const shown = samples.filter(
    (_, index) => index % Math.max(1, Math.ceil(samples.length / 10)) === 0 || index === samples.length - 1,
  )
  return [
    `Written by \`npm run bench memory -- --publish\` on ${startedAt.slice(0, 10)}, at commit ${commit}: \`tessera serve all\` in
production mode, resident memory without PostgreSQL. The load is ${number(operations)} operations with ${number(errors)} wrong answers, of
all kinds at once: ${scenarios.join(', ')}. The most is that of any moment; in
the table are moments at the end of a burst. The first quarter of the time, in which code is compiled and memory fills, is not
compared.`,
    markdownTable(['target', 'measured', ''], targets),
    markdownTable(
      ['minute', 'MiB', 'operations until then'],
      shown.map(({ minute, residentBytes, operations: until }) => [
        minute.toFixed(1),
        number(mib(residentBytes)),
        number(until),
      ]),
    ),
  ].join('\n\n')
}

export const memorySection: Section<MemoryReport> = {
  heading: 'Start and memory',
  file: 'published_memory.json',
  describe: describeMemory,
}
