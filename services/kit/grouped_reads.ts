// Reads by key: those who ask within a few turns of the event loop, or while an answer is on its way, share a statement.
import type { HasSignal } from './database.js'
import { GroupedWrites } from './grouped_writes.js'
import type { Call } from './rpc/contract.js'

interface Asked<Q> {
  readonly question: Q
  readonly call: Call
}

export class GroupedReads<Q, A> {
  #asked = 0
  readonly #reads: GroupedWrites<Asked<Q>, A>

  /**
   * @param read Answers questions in their order. The same can be asked by several: each is told what is there after it
   * asked.
   */
  constructor(read: (questions: readonly Q[], call: HasSignal | undefined) => Promise<readonly A[]>) {
    this.#reads = new GroupedWrites({
      keyOf: () => String(this.#asked++),
      write: (asked) =>
        read(
          asked.map(({ question }) => question),
          cancelledWith(asked),
        ),
    })
  }

  ask(question: Q, call: Call): Promise<A> {
    return this.#reads.add({ question, call })
  }
}

/** What ends the statement: that all have given up who wait for it. */
function cancelledWith(asked: readonly Asked<unknown>[]): HasSignal | undefined {
  const [first, ...others] = asked.map(({ call }) => call)
  if (!first || others.length === 0) return first
  const controller = new AbortController()
  let waiting = asked.length
  const giveUp = () => {
    if (--waiting === 0) controller.abort()
  }
  for (const { signal } of [first, ...others])
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  return { signal: controller.signal }
}
