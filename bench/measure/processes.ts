// CPU time and memory of a process and all that descend from it, from /proc: Linux alone tells them.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** By thread. */
export type CpuTimes = ReadonlyMap<string, CpuTime>

/** Nanoseconds. */
interface CpuTime {
  readonly ran: number
  /** It could have run, and something else was on the CPU; 0 where that is not counted. */
  readonly waited: number
}

const none: CpuTime = { ran: 0, waited: 0 }

const tickNs = 10_000_000

export const canReadProcesses = existsSync('/proc/self/stat')

/** The CPU time of a tree now; undefined where it cannot be read. */
export function readCpu(root: number | undefined): CpuTimes | undefined {
  if (root === undefined || !canReadProcesses) return undefined
  const times = new Map<string, CpuTime>()
  for (const pid of treeOf(root))
    for (const thread of listOf(`/proc/${pid}/task`)) times.set(thread, cpuOfThread(`/proc/${pid}/task/${thread}`))
  return times
}

/** Nanoseconds between two readings. */
export const cpuBetween = (before: CpuTimes, after: CpuTimes): number =>
  sum(differences(before, after).map(({ ran }) => ran))

/**
 * Nanoseconds that the busiest thread would have run for between two readings, had each been on a CPU when it wanted: of two
 * workers, the one that the load generator is in the way of does less, and that is not its share.
 */
export function busiestBetween(before: CpuTimes, after: CpuTimes): number {
  const demands = differences(before, after).map(({ ran, waited }) => ran + waited)
  const all = sum(demands)
  return all === 0 ? 0 : (cpuBetween(before, after) * Math.max(...demands)) / all
}

const differences = (before: CpuTimes, after: CpuTimes): CpuTime[] =>
  [...after].map(([thread, { ran, waited }]) => {
    const { ran: ranBefore, waited: waitedBefore } = before.get(thread) ?? none
    return { ran: Math.max(0, ran - ranBefore), waited: Math.max(0, waited - waitedBefore) }
  })

const sum = (numbers: readonly number[]): number => numbers.reduce((total, value) => total + value, 0)

/** Resident memory of a tree, in bytes; what its processes share counts once for each. */
export const readResident = (root: number | undefined): number | undefined => sumOfStatus(root, /^VmRSS:\s+(\d+)/m)

/** The most that each process of a tree ever held, in bytes. */
export const readPeak = (root: number | undefined): number | undefined => sumOfStatus(root, /^VmHWM:\s+(\d+)/m)

function sumOfStatus(root: number | undefined, kib: RegExp): number | undefined {
  if (root === undefined || !canReadProcesses) return undefined
  let sum = 0
  for (const pid of treeOf(root)) sum += Number(kib.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0)
  return sum * 1024
}

/** The scheduler's own count; where the kernel keeps none, user and system time in ticks. */
function cpuOfThread(folder: string): CpuTime {
  const [ran, waited] = textOf(`${folder}/schedstat`).split(' ')
  if (ran) return { ran: Number(ran), waited: Number(waited ?? 0) }
  const fields = fieldsOf(textOf(`${folder}/stat`))
  return { ran: (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * tickNs, waited: 0 }
}

function treeOf(root: number): number[] {
  const childrenOf = new Map<number, number[]>()
  for (const name of listOf('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = Number(fieldsOf(textOf(`/proc/${name}/stat`))[1])
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(name)])
  }
  const tree = [root]
  // It grows while it is walked.
  for (const pid of tree) tree.push(...(childrenOf.get(pid) ?? []))
  return tree
}

/** What follows the name, which may contain anything. */
const fieldsOf = (stat: string): string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ')

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It ended meanwhile.
    return ''
  }
}

function listOf(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
