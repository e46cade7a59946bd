// Introspection without a round trip: a resource server decides on JWT access tokens from the published keys and the feed of
// revocations. A tenth of them is revoked.

import { callForJson, get, sendJson } from '../load/http_client.js'
import { repeatInHands } from '../load/meter.js'
import { until } from '../load/until.js'
import { packageName } from '../servers/server.js'
import { dialectOf, kindOf, mintTokens, revokeToken, type Scenario } from './scenario.js'

const tokenCount = 200
const revokedCount = tokenCount / 10
/** Of a revocation until it is known. */
const knownMs = 10_000

export const localIntrospection: Scenario = {
  name: 'introspection_local',
  title: 'introspection by the resource server itself, for each token',
  runsAt: ({ decidesAt }) => decidesAt !== undefined,
  async prepare(world) {
    const { decidesAt = '', name } = world.server
    const dialect = dialectOf(world)
    const machine = await dialect.machine('ES256')
    const tokens = await mintTokens(dialect, machine, tokenCount)
    for (const token of tokens.slice(0, revokedCount)) await revokeToken(dialect, machine, token)
    await callForJson(decidesAt, sendJson('PUT', '/', tokens))
    const expected = name === packageName ? revokedCount : 0
    const decide = async () => (await callForJson(decidesAt, get('/'))).inactive
    const isKnown = async () => (await decide()) === expected
    await until(isKnown, knownMs, `${name} does not refuse ${expected} of ${tokenCount} tokens`)
    const hand = async () => {
      const inactive = await decide()
      if (inactive !== expected) throw new Error(`${inactive} of ${tokenCount} tokens were refused, not ${expected}`)
      return tokenCount
    }
    const hands = Array.from({ length: 2 }, () => hand)
    return {
      kind: await kindOf(dialect, tokens[0] ?? ''),
      run: (limit) =>
        repeatInHands(hands, 'operations' in limit ? { operations: Math.ceil(limit.operations / tokenCount) } : limit),
    }
  },
}
