// IntrospectionService: one token, many at once, or batch after batch over one stream (RFC 7662).
import { setImmediate as turn } from 'node:timers/promises'
import {
  type BatchIntrospectRequest,
  IntrospectionServiceService,
  type IntrospectResponse,
  type StreamIntrospectRequest,
  type StreamIntrospectResponse,
} from '#proto/introspection/v1/introspection_service.js'
import { kindOf, OAuthError, toOAuthError } from '../kit/oauth_error.js'
import type { Call, Handlers } from '../kit/rpc/contract.js'
import { runUnary } from '../kit/rpc/dispatch.js'
import { ruleOf } from '../kit/rpc/rules.js'
import type { Introspection } from './introspection.js'

const maxBatch = 1_000
const maxIdLength = 128
/** How many tokens of a batch may wait for the token service at once. */
const concurrency = 64
/** After so many tokens, other calls have their turn. */
const atOnce = 100

export const createHandlers = (introspection: Introspection): Handlers<typeof IntrospectionServiceService> => ({
  introspect: (request, call) => introspection.introspect(request, call),
  batchIntrospect: async (request, call) => ({ results: await introspectBatch(introspection, request, call) }),
  async *streamIntrospect(requests, call) {
    for await (const request of requests) yield await answerMessage(introspection, request, call)
  },
})

async function introspectBatch(
  introspection: Introspection,
  { tokens, consistency }: BatchIntrospectRequest,
  call: Call,
): Promise<IntrospectResponse[]> {
  if (tokens.length > maxBatch) throw new OAuthError('invalid_request', `At most ${maxBatch} tokens at once.`)
  const results: IntrospectResponse[] = []
  const remaining = tokens.entries()
  const work = async () => {
    for (const [index, token] of remaining) {
      const request = { token, tokenTypeHint: '', scope: '', consistency, callerClientId: '' }
      results[index] = await introspection.introspect(request, call)
      if (index % atOnce === atOnce - 1) await turn()
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return results
}

/** Each message of a stream is a batch: under the same rule, and no more than a batch can it fail but by itself. */
async function answerMessage(
  introspection: Introspection,
  { id, tokens, consistency }: StreamIntrospectRequest,
  call: Call,
): Promise<StreamIntrospectResponse> {
  const { path } = IntrospectionServiceService.batchIntrospect
  const introspect = (request: BatchIntrospectRequest, batch: Call) => introspectBatch(introspection, request, batch)
  try {
    if (id.length > maxIdLength)
      throw new OAuthError('invalid_request', `The id is longer than ${maxIdLength} characters.`)
    const request = { tokens, consistency }
    const results = await runUnary(path, ruleOf(path), call.caller, call, request, introspect)
    return { id, results, error: undefined, status: 0 }
  } catch (thrown) {
    const { code, description, hint, retryAfter, redirectTo } = toOAuthError(thrown)
    const error = { code, description, hint, retryAfter, redirectTo }
    return { id: id.slice(0, maxIdLength), results: [], error, status: kindOf(code).grpc }
  }
}
