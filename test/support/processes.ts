// Processes that a test started, or that were started for it.
import { existsSync, readFileSync } from 'node:fs'

/** Whether a process runs; one that ended and that nobody asked about does not. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = `/proc/${pid}/stat`
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'))
}
