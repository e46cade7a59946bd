// CPU time and memory of a process and all that descend from it, from /proc: Linux alone tells them.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Nanoseconds on a CPU, by thread. */
export type CpuTimes = ReadonlyMap<string, number>

const tickNs = 10_000_000

export const canReadProcesses = existsSync('/proc/self/stat')

/** The CPU time of a tree now; undefined where it cannot be read. */
export function readCpu(root: number | undefined): CpuTimes | undefined {
  if (root === undefined || !canReadProcesses) return undefined
  const times = new Map<string, number>()
  for (const pid of treeOf(root))
    for (const thread of listOf(`/proc/${pid}/task`)) times.set(thread, cpuOfThread(`/proc/${pid}/task/${thread}`))
  return times
}

/** Nanoseconds between two readings. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): number {
  let sum = 0
  for (const [thread, ns] of after) sum += Math.max(0, ns - (before.get(thread) ?? 0))
  return sum
}

/** Nanoseconds of the thread that was busiest between two readings. */
export function busiestBetween(before: CpuTimes, after: CpuTimes): number {
  return Math.max(0, ...[...after].map(([thread, ns]) => ns - (before.get(thread) ?? 0)))
}

/** Resident memory of a tree, in bytes; what its processes share counts once for each. */
export function readResident(root: number | undefined): number | undefined {
  if (root === undefined || !canReadProcesses) return undefined
  let kib = 0
  for (const pid of treeOf(root)) kib += Number(/^VmRSS:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0)
  return kib * 1024
}

/** The scheduler's own count; where the kernel keeps none, user and system time in ticks. */
function cpuOfThread(folder: string): number {
  const exact = textOf(`${folder}/schedstat`).split(' ', 1)[0]
  if (exact) return Number(exact)
  const fields = fieldsOf(textOf(`${folder}/stat`))
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * tickNs
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
