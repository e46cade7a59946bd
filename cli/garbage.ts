// When V8 collects garbage. Left to itself, on a machine with much memory it lets the old generation grow to some three times
// what was in use, and a server under load holds 100 MiB of garbage.
import { setFlagsFromString } from 'node:v8'

const flag = '--heap-growing-percent'
/** Of what is in use after a collection. */
const growthPercent = 50

/** From the next collection on. What whoever starts Node.js says of it themselves, stands. */
export function boundGarbage(): void {
  const isSaid = process.execArgv.some((option) => option.replaceAll('_', '-').startsWith(flag))
  if (!isSaid) setFlagsFromString(`${flag}=${growthPercent}`)
}
