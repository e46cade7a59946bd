// Waits for what a server will do soon, by asking again and again.
import { setTimeout as delay } from 'node:timers/promises'

const everyMs = 50

/** Resolves when it is so; after the timeout it fails with what is not so. */
export async function until(isSo: () => Promise<boolean>, timeoutMs: number, whatIsNot: string): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(whatIsNot)
    await delay(everyMs)
  }
}
