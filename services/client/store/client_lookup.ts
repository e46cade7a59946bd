// Looks up clients by key: those who ask within a few turns of the event loop, or while an answer is on its way, share a
// statement.
import type { Client as Row } from '#prisma/client/client.js'
import type { Database, HasSignal } from '../../kit/database.js'
import { GroupedWrites } from '../../kit/grouped_writes.js'
import type { Call } from '../../kit/rpc/contract.js'
import { fromRow, type StoredClient } from './client_row.js'
import { findClients } from './client_statements.js'

interface Lookup {
  readonly clientId: string
  readonly call: Call
}

export class ClientLookup {
  readonly #database: Pick<Database<never>, 'query'>
  #asked = 0
  /** The same client can be asked for by several: each is told what is there after it asked. */
  readonly #lookups = new GroupedWrites<Lookup, StoredClient | undefined>({
    keyOf: () => String(this.#asked++),
    write: (lookups) => this.#find(lookups),
  })

  constructor(database: Pick<Database<never>, 'query'>) {
    this.#database = database
  }

  find(clientId: string, call: Call): Promise<StoredClient | undefined> {
    return this.#lookups.add({ clientId, call })
  }

  async #find(lookups: readonly Lookup[]): Promise<(StoredClient | undefined)[]> {
    const clientIds = [...new Set(lookups.map(({ clientId }) => clientId))]
    const rows = await this.#database.query<Row>(findClients, [clientIds], cancelledWith(lookups))
    const byId = new Map(rows.map((row) => [row.clientId, row]))
    return lookups.map(({ clientId }) => {
      const row = byId.get(clientId)
      return row && fromRow(row)
    })
  }
}

/** What ends the statement: that all have given up who wait for it. */
function cancelledWith(lookups: readonly Lookup[]): HasSignal | undefined {
  const [first, ...others] = lookups.map(({ call }) => call)
  if (!first || others.length === 0) return first
  const controller = new AbortController()
  let waiting = lookups.length
  const giveUp = () => {
    if (--waiting === 0) controller.abort()
  }
  for (const { signal } of [first, ...others])
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  return { signal: controller.signal }
}
