// IntrospectionService: one token, or many at once (RFC 7662).
import { setImmediate as turn } from 'node:timers/promises'
import type {
  BatchIntrospectRequest,
  IntrospectionServiceService,
  IntrospectResponse,
} from '#proto/introspection/v1/introspection_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Call, Handlers } from '../kit/rpc/contract.js'
import type { Introspection } from './introspection.js'

const maxBatch = 1_000
/** How many tokens of a batch may wait for the token service at once. */
const concurrency = 64
/** After so many tokens, other calls have their turn. */
const atOnce = 100

export const createHandlers = (introspection: Introspection): Handlers<typeof IntrospectionServiceService> => ({
  introspect: async (request, call) => introspection.introspect(request, call),
  batchIntrospect: async (request, call) => ({ results: await introspectBatch(introspection, request, call) }),
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
