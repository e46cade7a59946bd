// Several token services and introspection services over the wire: what one revokes, all know within the bound, whatever
// races with it.
import { credentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientServiceService } from '#proto/client/v1/client_service.js'
import { Consistency, IntrospectionServiceService } from '#proto/introspection/v1/introspection_service.js'
import { KeyServiceService } from '#proto/token/v1/key_service.js'
import { RevocationServiceService } from '#proto/token/v1/revocation_service.js'
import { TokenServiceService } from '#proto/token/v1/token_service.js'
import { createIntrospectionService } from '../../services/introspection/main.js'
import { monotonicMs } from '../../services/kit/clock.js'
import type { Caller, Remote } from '../../services/kit/rpc/contract.js'
import { RpcServer } from '../../services/kit/rpc/server.js'
import { WireChannel } from '../../services/kit/rpc/wire.js'
import type { RunningService } from '../../services/kit/service.js'
import { createTokenService } from '../../services/token/main.js'
import { eventually } from '../support/eventually.js'
import { type Registered, TokenSuite } from '../support/token_suite.js'

const boundMs = 1_000

/** A process of its own, as far as the others can tell: it is reached over gRPC alone. */
class Node {
  readonly running: RunningService
  readonly #server: RpcServer
  readonly #channels: WireChannel[] = []
  readonly #isOwn: boolean
  #port = 0

  /** `isOwn`: it starts and ends with this node. */
  constructor(running: RunningService, caller: Caller, isOwn = true) {
    this.running = running
    this.#isOwn = isOwn
    this.#server = new RpcServer(running.services, {
      host: '127.0.0.1',
      port: 0,
      identify: () => caller,
    })
  }

  async start(): Promise<this> {
    if (this.#isOwn) await this.running.start()
    this.#port = await this.#server.listen()
    return this
  }

  channel(): WireChannel {
    const channel = new WireChannel(`127.0.0.1:${this.#port}`, credentials.createInsecure(), '')
    this.#channels.push(channel)
    return channel
  }

  async stop(): Promise<void> {
    for (const channel of this.#channels) channel.close()
    await this.#server.close(0)
    if (this.#isOwn) await this.running.stop()
  }
}

let suite: TokenSuite
let app: Registered
let nodes: Node[]
/** Introspection that is fed by the suite's own token service, and by the second one. */
let near: Remote<typeof IntrospectionServiceService>
let far: Remote<typeof IntrospectionServiceService>

beforeAll(async () => {
  suite = await TokenSuite.start()
  app = await suite.register()
  const client = await new Node(suite.running.client, 'introspection', false).start()
  const tokenA = await new Node(suite.running.token, 'introspection', false).start()
  const peersOfToken = { clients: client.channel().remote(ClientServiceService) }
  const tokenB = await new Node(createTokenService(suite.config, peersOfToken), 'introspection').start()
  nodes = [client, tokenA, tokenB]
  const introspectionOn = async (token: Node) => {
    const channel = token.channel()
    const running = createIntrospectionService(suite.config, {
      clients: client.channel().remote(ClientServiceService),
      tokens: channel.remote(TokenServiceService),
      keys: channel.remote(KeyServiceService),
      revocations: channel.remote(RevocationServiceService),
    })
    const node = await new Node(running, 'resource_server').start()
    nodes.push(node)
    await eventually(() => running.ready())
    return node.channel().remote(IntrospectionServiceService)
  }
  near = await introspectionOn(tokenA)
  far = await introspectionOn(tokenB)
})
afterAll(async () => {
  for (const node of nodes.reverse()) await node.stop()
  await suite.stop()
})

const ask = async (node: Remote<typeof IntrospectionServiceService>, token: string, consistency: Consistency = 0) => {
  const request = { token, tokenTypeHint: '', scope: '', consistency, callerClientId: '' }
  return (await node.introspect(request)).active
}

describe('I4: a revocation at one token service', () => {
  it('is known to every introspection service within the bound', async () => {
    const delays: number[] = []
    for (let round = 0; round < 15; round++) {
      const token = await suite.clientCredentials(app)
      for (const node of [near, far]) expect(await ask(node, token)).toBe(true)
      await suite.revoke(app, token)
      const revokedAt = monotonicMs()
      for (const node of [near, far]) {
        await eventually(async () => !(await ask(node, token)), boundMs)
        delays.push(monotonicMs() - revokedAt)
      }
    }
    expect(Math.max(...delays)).toBeLessThan(boundMs)
  })

  it('is known at once to who asks for the strong answer', async () => {
    for (let round = 0; round < 20; round++) {
      const [own, granted] = [await suite.clientCredentials(app), await suite.authorize(app)]
      await suite.revoke(app, own)
      await suite.revoke(app, granted.refreshToken)
      for (const node of [near, far])
        for (const token of [own, granted.accessToken, granted.refreshToken])
          expect(await ask(node, token, Consistency.STRONG)).toBe(false)
    }
  })
})

describe('RL-07: introspection while a grant is revoked', () => {
  it('says active before, inactive after, and never active again', async () => {
    for (let round = 0; round < 10; round++) {
      const { accessToken, grantId } = await suite.authorize(app)
      const histories = [near, far].map(async (node) => {
        const answers: boolean[] = []
        while (answers.length < 5 || answers.at(-1)) answers.push(await ask(node, accessToken))
        while (answers.length < 30) answers.push(await ask(node, accessToken))
        return answers
      })
      await suite.revokeGrant(grantId)
      for (const answers of await Promise.all(histories)) {
        const first = answers.indexOf(false)
        expect(answers.slice(first).every((active) => !active)).toBe(true)
      }
    }
  })
})

describe('TK-19: revoking in parallel with a refresh of the same token', () => {
  it('leaves nothing of the grant active, whoever was first', async () => {
    for (let round = 0; round < 40; round++) {
      const { accessToken, refreshToken, grantId } = await suite.authorize(app)
      const refreshing = suite
        .issue(app, 'refresh_token', { refresh_token: refreshToken })
        .then((issued) => [issued.accessToken, issued.refreshToken])
        .catch((thrown) => {
          expect(thrown.code).toBe('invalid_grant')
          return []
        })
      const [issued] = await Promise.all([refreshing, suite.revoke(app, refreshToken)])
      for (const token of [accessToken, refreshToken, ...issued]) {
        expect(await suite.isActive(token), grantId).toBe(false)
        expect(await ask(far, token, Consistency.STRONG), grantId).toBe(false)
      }
    }
  })
})

describe('I12: a client that was deleted', () => {
  it('has no good token at any introspection service within the bound', async () => {
    const mortal = await suite.register({ clientId: 'mortal' })
    const { accessToken } = await suite.authorize(mortal)
    for (const node of [near, far]) expect(await ask(node, accessToken)).toBe(true)
    await suite.clients.deleteClient({ clientId: 'mortal' })
    for (const node of [near, far]) await eventually(async () => !(await ask(node, accessToken)), boundMs)
  })
})

describe('a token of a megabyte', () => {
  it('TK-12: is not active over the wire either', async () => {
    expect(await ask(near, 'x'.repeat(1_000_000))).toBe(false)
    const { results } = await near.batchIntrospect({ tokens: ['x'.repeat(1_000_000), 'y'], consistency: 0 })
    expect(results.map(({ active }) => active)).toEqual([false, false])
  })
})
