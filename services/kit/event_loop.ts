// Whether the event loop has more to do than time for it.
import { performance } from 'node:perf_hooks'
import { monotonicMs } from './clock.js'

/** A shorter time says little of how busy it is. */
const sampleMs = 20
const busyFrom = 0.95

let since = performance.eventLoopUtilization()
let sampledAt = monotonicMs()
let isBusy = false

/** Whether it had nothing to do for less than a twentieth of the last moments. */
export function isEventLoopBusy(): boolean {
  const now = monotonicMs()
  if (now - sampledAt >= sampleMs) {
    const current = performance.eventLoopUtilization()
    isBusy = performance.eventLoopUtilization(current, since).utilization >= busyFrom
    since = current
    sampledAt = now
  }
  return isBusy
}
