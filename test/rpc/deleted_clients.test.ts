// Deleted clients in the log of revocations: for readers of the feed who know of clients from nowhere else.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientServiceService } from '#proto/client/v1/client_service.js'
import {
  type Revocation,
  RevocationKind,
  RevocationServiceService,
  type WatchRevocationsResponse,
} from '#proto/token/v1/revocation_service.js'
import { nowMs } from '../../services/kit/clock.js'
import type { Service } from '../../services/kit/rpc/contract.js'
import { inProcess } from '../../services/kit/rpc/in_process.js'
import type { RunningService } from '../../services/kit/service.js'
import { createTokenService } from '../../services/token/main.js'
import { eventually } from '../support/eventually.js'
import { Link } from '../support/link.js'
import { TokenSuite } from '../support/token_suite.js'

let suite: TokenSuite

/** A token service with a line to the client service that a test can cut, and a reader of its feed. */
class Node {
  readonly seen: Revocation[] = []
  last: WatchRevocationsResponse | undefined
  readonly line: Link<typeof ClientServiceService>
  readonly #running: RunningService
  readonly #reading = new AbortController()

  constructor() {
    const clients = suite.running.client.services.find(({ definition }) => definition === ClientServiceService)
    if (!clients) throw new Error('no client service')
    this.line = new Link(
      ClientServiceService,
      inProcess(clients as unknown as Service<typeof ClientServiceService>, 'token'),
    )
    this.#running = createTokenService(suite.config, { clients: this.line.remote })
  }

  async start(): Promise<this> {
    await this.#running.start()
    void this.#read()
    return this
  }

  async #read(): Promise<void> {
    const service = this.#running.services.find(({ definition }) => definition === RevocationServiceService)
    if (!service) throw new Error('no feed')
    const { watchRevocations } = inProcess(
      service as unknown as Service<typeof RevocationServiceService>,
      'resource_server',
    )
    const { signal } = this.#reading
    for await (const message of watchRevocations({ cursor: Buffer.alloc(0) }, { signal })) {
      this.seen.push(...message.revocations)
      this.last = message
    }
  }

  async stop(): Promise<void> {
    this.#reading.abort()
    await this.#running.stop()
  }
}

beforeAll(async () => {
  suite = await TokenSuite.start()
})
afterAll(() => suite.stop())

describe('I12: a client that is deleted', () => {
  it('has an entry that names its registration, and nothing that is issued to its successor', async () => {
    const node = await new Node().start()
    const { client } = await suite.register({ clientId: 'mortal' })
    await suite.clients.deleteClient({ clientId: 'mortal' })
    await suite.register({ clientId: 'mortal' })
    await eventually(() => node.seen.some(({ key }) => key === client.registrationId))
    expect(node.seen.map(({ kind }) => kind)).not.toContain(RevocationKind.CLIENT)
    await node.stop()
  })

  it('is not missed in silence: the feed tells how long ago all deletions were known', async () => {
    const node = await new Node().start()
    await eventually(() => (node.last?.deletionsAgeMs ?? Infinity) < 1_000)
    node.line.cut()
    await eventually(() => (node.last?.deletionsAgeMs ?? 0) > 1_000)
    expect(node.last?.ageMs).toBeLessThan(1_000)
    node.line.mend()
    await eventually(() => (node.last?.deletionsAgeMs ?? Infinity) < 1_000)
    await node.stop()
  })

  it('may be missing where no token service followed for too long: the feed tells until when', async () => {
    const before = await new Node().start()
    await eventually(() => (before.last?.deletionsAgeMs ?? Infinity) < 1_000)
    expect(before.last?.deletionsMissingBeforeMs).toBe(0)
    await before.stop()
    const startedAt = nowMs()
    const database = new pg.Client({ connectionString: suite.config.dsn })
    await database.connect()
    await database.query(
      "INSERT INTO token.client_feed (position) VALUES ('lost') ON CONFLICT (id) DO UPDATE SET position = 'lost'",
    )
    await database.end()
    const after = await new Node().start()
    await eventually(() => (after.last?.deletionsMissingBeforeMs ?? 0) > 0)
    expect(after.last?.deletionsMissingBeforeMs).toBeGreaterThanOrEqual(startedAt - 1_000)
    await eventually(() => (after.last?.deletionsAgeMs ?? Infinity) < 1_000)
    await after.stop()
  })
})
