// The device codes as rows, and the counters of what may be tried only so often. Polls travel together.
import type { DeviceCode } from '#prisma/token/client.js'
import { GroupedWrites } from '../../kit/grouped_writes.js'
import { isUuid } from '../../kit/random.js'
import { inBatches, purgeBatch, type Until } from '../../kit/repeat.js'
import type { Call } from '../../kit/rpc/contract.js'
import type { TokenDatabase } from './database.js'
import * as statements from './device_code_statements.js'

export interface NewDeviceCode
  extends Pick<DeviceCode, 'id' | 'clientId' | 'registrationId' | 'userCodeHash' | 'scope' | 'audience'> {
  /** Seconds between two polls. */
  readonly interval: number
  /** Seconds. */
  readonly lifespan: number
}

/** What a device finds when it asks. */
export interface Poll {
  readonly id: string
  /** The flow that claimed the user code; the grant has the same id. */
  readonly flowId: string | null
  /** Null: not decided yet. */
  readonly allowed: boolean | null
  readonly isEarly: boolean
}

export type OpenDeviceCode = Pick<
  DeviceCode,
  'id' | 'clientId' | 'registrationId' | 'scope' | 'audience' | 'requestedAt' | 'expiresAt'
>

export interface UserCodeLookup {
  /** All that may stand for the user code. */
  readonly hashes: readonly Buffer[]
  readonly flowId: string
}

/** What is counted, and how often it may be. */
export interface Budget {
  readonly key: string
  readonly limit: number
  /** Seconds that it is counted for. */
  readonly period: number
}

interface Counted {
  readonly tries: number
  readonly secondsLeft: number
}

export class DeviceCodeStore {
  readonly #database: TokenDatabase
  readonly #polls = new GroupedWrites<string, Poll | undefined>({
    keyOf: (id) => id,
    write: async (ids) => {
      const rows = await this.#database.query<Poll & { id: string }>(statements.pollDeviceCodes, [ids])
      const byId = new Map(rows.map((row) => [row.id, row]))
      return ids.map((id) => byId.get(id))
    },
  })

  #counted = 0
  readonly #counts = new GroupedWrites<Budget, Counted>({
    keyOf: () => String(++this.#counted),
    write: (budgets) => this.#count(budgets),
    concurrency: 1,
  })

  constructor(database: TokenDatabase) {
    this.#database = database
  }

  /** False where another row has the same user code. */
  async insert(code: NewDeviceCode, call: Call): Promise<boolean> {
    const { id, clientId, registrationId, userCodeHash, scope, audience, interval, lifespan } = code
    const values = [id, clientId, registrationId, userCodeHash, scope, audience, interval, lifespan]
    return (await this.#database.query(statements.insertDeviceCode, values, call)).length > 0
  }

  /** Undefined for what has expired. */
  poll(id: string): Promise<Poll | undefined> {
    return this.#polls.add(id)
  }

  /** Undefined for what is not open to this flow. */
  find({ hashes, flowId }: UserCodeLookup, call: Call): Promise<OpenDeviceCode | undefined> {
    return this.#first(statements.findUserCode, [hashes, flowId], call)
  }

  /** Binds a user code to a flow; undefined for what is not open to it. */
  claim({ hashes, flowId }: UserCodeLookup, call: Call): Promise<OpenDeviceCode | undefined> {
    return this.#first(statements.claimUserCode, [hashes, flowId], call)
  }

  /** Decides, once; false where that flow may not, or may no more. */
  async decide(id: string, flowId: string, allowed: boolean, call?: Call): Promise<boolean> {
    if (!isUuid(id) || !isUuid(flowId)) return false
    return (await this.#database.query(statements.decideDeviceCode, [id, flowId, allowed], call)).length > 0
  }

  /** Counts one more; seconds until counting begins anew where one budget is used up, else undefined. */
  async count(budgets: readonly Budget[]): Promise<number | undefined> {
    const counted = await Promise.all(budgets.map((budget) => this.#counts.add(budget)))
    const used = counted.filter(({ tries }, index) => tries > (budgets[index]?.limit ?? 0))
    return used.length > 0 ? Math.max(1, ...used.map(({ secondsLeft }) => secondsLeft)) : undefined
  }

  /** Takes back what was counted for something that turned out good. */
  async forgive(budgets: readonly Budget[], call: Call): Promise<void> {
    await this.#database.query(statements.forgiveTries, [budgets.map(({ key }) => key)], call)
  }

  /** Deletes what has expired, but nothing that did after `notAfter`, in batches; returns how many. */
  async purge(until: Until, notAfter?: Date): Promise<number> {
    let purged = 0
    for (const statement of statements.purgeDeviceCodes) {
      const purge = (size: number) => this.#database.query(statement, [size, notAfter ?? null])
      purged += (await inBatches({ ...until, size: purgeBatch }, async (size) => (await purge(size)).length)).found
    }
    return purged
  }

  /** Those that count for one key share its row, each with a number of its own: guesses by the thousand wait for few writes. */
  async #count(budgets: readonly Budget[]): Promise<Counted[]> {
    const added = new Map<string, { readonly period: number; count: number }>()
    const places = budgets.map(({ key, period }) => {
      const sum = added.get(key) ?? { period, count: 0 }
      added.set(key, sum)
      return ++sum.count
    })
    const sums = [...added.values()]
    const rows = await this.#database.query<Counted & { key: string }>(statements.countTries, [
      [...added.keys()],
      sums.map(({ period }) => period),
      sums.map(({ count }) => count),
    ])
    const byKey = new Map(rows.map((row) => [row.key, row]))
    return budgets.map(({ key }, index) => {
      const { tries = 0, secondsLeft = 0 } = byKey.get(key) ?? {}
      return { tries: tries - (added.get(key)?.count ?? 0) + (places[index] ?? 0), secondsLeft }
    })
  }

  async #first(statement: typeof statements.findUserCode, values: unknown[], call: Call) {
    const [row] = await this.#database.query<OpenDeviceCode>(statement, values, call)
    return row
  }
}
