// Introspection over gRPC: one token a call, beside a call that does nothing; a hundred a call; a hundred a message of a
// stream.
import {
  BatchIntrospectRequest,
  IntrospectionServiceService,
  IntrospectRequest,
  type IntrospectResponse,
  StreamIntrospectRequest,
} from '#proto/introspection/v1/introspection_service.js'
import { emptyMethod } from '../load/empty_method.js'
import { GrpcCallers, type UnaryMethod } from '../load/grpc_client.js'
import { repeatInHands } from '../load/meter.js'
import {
  type Drive,
  dialectOf,
  inTurn,
  kindOf,
  mintTokens,
  overGrpc,
  overHttp,
  type Scenario,
  type World,
} from './scenario.js'

const tokenCount = 200
const batchSize = 100

async function mint(world: World) {
  const dialect = dialectOf(world)
  const tokens = await mintTokens(dialect, await dialect.machine(), tokenCount)
  return { tokens, kind: await kindOf(dialect, tokens[0] ?? '') }
}

function driveUnary<Q, R>(
  { server, concurrency }: World,
  kind: string,
  method: UnaryMethod<Q, R>,
  next: () => Q,
  count: (answer: R) => number,
): Drive {
  const callers = new GrpcCallers(server.grpc)
  const hands = callers.hands(concurrency, method, next, count)
  return { kind, run: (limit) => repeatInHands(hands, limit), finish: () => callers.close() }
}

function mustBeActive({ active }: IntrospectResponse): void {
  if (!active) throw new Error('a good token was answered as not active')
}

export const introspectionGrpc: Scenario = {
  name: 'introspection_grpc',
  title: 'introspection, gRPC',
  runsAt: overGrpc,
  async prepare(world) {
    if (!overHttp(world.server))
      return driveUnary(
        world,
        '',
        emptyMethod,
        () => Buffer.alloc(0),
        () => 1,
      )
    const { tokens, kind } = await mint(world)
    const next = inTurn(tokens.map((token) => IntrospectRequest.create({ token })))
    return driveUnary(world, kind, IntrospectionServiceService.introspect, next, (answer) => {
      mustBeActive(answer)
      return 1
    })
  },
}

export const introspectionBatch: Scenario = {
  name: 'introspection_batch',
  title: `introspection, gRPC, ${batchSize} tokens a call, for each token`,
  runsAt: (server) => overGrpc(server) && overHttp(server),
  async prepare(world) {
    const { tokens, kind } = await mint(world)
    const batches = [tokens.slice(0, batchSize), tokens.slice(batchSize)]
    const next = inTurn(batches.map((batch) => BatchIntrospectRequest.create({ tokens: batch })))
    return driveUnary(world, kind, IntrospectionServiceService.batchIntrospect, next, ({ results }) => {
      for (const result of results) mustBeActive(result)
      return results.length
    })
  },
}

export const introspectionStream: Scenario = {
  name: 'introspection_stream',
  title: `introspection, gRPC, a stream of ${batchSize} tokens a message, for each token`,
  runsAt: (server) => overGrpc(server) && overHttp(server),
  async prepare(world) {
    const { tokens, kind } = await mint(world)
    const batches = [tokens.slice(0, batchSize), tokens.slice(batchSize)]
    const next = inTurn(batches.map((batch) => StreamIntrospectRequest.create({ id: 'a batch', tokens: batch })))
    const callers = new GrpcCallers(world.server.grpc)
    const method = IntrospectionServiceService.streamIntrospect
    const hands = callers.streamHands(world.concurrency, method, next, ({ results, error }) => {
      if (error) throw new Error(error.code)
      for (const result of results) mustBeActive(result)
      return results.length
    })
    return { kind, run: (limit) => repeatInHands(hands, limit), finish: () => callers.close() }
  },
}
