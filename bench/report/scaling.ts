// What more workers bring, as a table: what was measured with the load generator on the same cores, and what the server's own
// CPU comes to without it.
import type { Result, Scaling } from '../results.js'
import { scalingTarget } from '../targets.js'
import { number, type Row } from './table.js'

export const scalingHeads: Row = [
  ...['scenario', 'workers', 'per second, measured', 'server µs', 'busiest thread µs', 'MiB'],
  ...['per second without the generator', 'ratio', `target ≥ ${scalingTarget}`],
]

/** Two lines for each scenario: one worker, and several. */
export function scalingRows({ workers, pairs }: Scaling): Row[] {
  return pairs.flatMap(({ one, many }) => {
    const ratio = capacityOf(many, workers) / capacityOf(one, 1)
    const verdict = ratio >= scalingTarget ? 'met' : '**not met**'
    return [
      [one.title, '1', ...measuredOf(one, 1), '', ''],
      ['', `${workers}`, ...measuredOf(many, workers), ...(Number.isNaN(ratio) ? ['', ''] : [number(ratio), verdict])],
    ]
  })
}

function measuredOf(result: Result, cores: number): string[] {
  const { perSecond, cpuUs, residentBytes } = result
  return [
    number(perSecond),
    ...(cpuUs ? [number(cpuUs.server), number(cpuUs.busiest)] : ['', '']),
    residentBytes === null ? '' : number(residentBytes / 2 ** 20),
    number(capacityOf(result, cores)),
  ]
}

/**
 * Operations in a second that a server is good for on so many cores that nobody else uses: no thread can be on more than one
 * core, and all of them not on more than there are.
 */
export function capacityOf({ cpuUs }: Pick<Result, 'cpuUs'>, cores: number): number {
  return cpuUs ? 1e6 / Math.max(cpuUs.busiest, cpuUs.server / cores) : Number.NaN
}
