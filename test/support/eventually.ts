// Waits until something is so, by asking again and again; for what no event tells.
import { setTimeout as delay } from 'node:timers/promises'

/** Resolves when the condition holds; fails after `withinMs`. */
export async function eventually(condition: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const endsAt = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > endsAt) throw new Error(`not within ${withinMs} ms: ${condition}`)
    await delay(5)
  }
}
