// How many cores this process may use: those of the machine, or of the container where it is given fewer.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

export const countCores = (): number => Math.max(1, Math.min(availableParallelism(), Math.floor(quota())))

/** The limit of the control group, in cores; older versions of Node.js do not look at it. */
function quota(): number {
  const [granted, period] = textOf('/sys/fs/cgroup/cpu.max').split(' ')
  const [oldGranted, oldPeriod] = ['quota', 'period'].map((name) => textOf(`/sys/fs/cgroup/cpu/cpu.cfs_${name}_us`))
  const cores = Number(granted || oldGranted) / Number(period || oldPeriod)
  // Without a limit it says `max`, or -1.
  return cores > 0 ? cores : Number.POSITIVE_INFINITY
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
