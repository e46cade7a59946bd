// Introspection over HTTP (RFC 7662), by whoever runs the resource servers: of good, made-up and revoked tokens.
import { driveHttp } from '../load/http_drive.js'
import {
  type Drive,
  dialectOf,
  inTurn,
  kindOf,
  mintTokens,
  overHttp,
  revokeToken,
  type Scenario,
  type World,
} from './scenario.js'

/** Different tokens, so that no answer is that of the token before. */
const tokenCount = 200

async function introspect(world: World, tokens: readonly string[], isActive: boolean, kind: string): Promise<Drive> {
  const dialect = dialectOf(world)
  const expected = `"active":${isActive}`
  return {
    kind,
    run: (limit) =>
      driveHttp(
        {
          origin: dialect.adminUrl,
          connections: world.concurrency,
          pipelining: world.pipelining,
          request: inTurn(tokens.map((token) => dialect.introspection(token))),
          isRight: (status, body) => status === 200 && body.replace('": ', '":').includes(expected),
        },
        limit,
      ),
  }
}

async function mint(world: World) {
  const dialect = dialectOf(world)
  const machine = await dialect.machine()
  const tokens = await mintTokens(dialect, machine, tokenCount)
  return { dialect, machine, tokens, kind: await kindOf(dialect, tokens[0] ?? '') }
}

/** The token with another character in its middle. */
function forge(token: string): string {
  const at = Math.floor(token.length / 2)
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}

export const introspectionHttp: Scenario = {
  name: 'introspection_http',
  title: 'introspection, HTTP',
  runsAt: overHttp,
  async prepare(world) {
    const { tokens, kind } = await mint(world)
    return introspect(world, tokens, true, kind)
  },
}

export const introspectionHttpInvalid: Scenario = {
  name: 'introspection_http_invalid',
  title: 'introspection, HTTP, made-up tokens',
  runsAt: overHttp,
  async prepare(world) {
    const { tokens, kind } = await mint(world)
    return introspect(world, tokens.map(forge), false, kind)
  },
}

export const introspectionHttpRevoked: Scenario = {
  name: 'introspection_http_revoked',
  title: 'introspection, HTTP, revoked tokens',
  runsAt: overHttp,
  async prepare(world) {
    const { dialect, machine, tokens, kind } = await mint(world)
    for (const token of tokens) await revokeToken(dialect, machine, token)
    return introspect(world, tokens, false, kind)
  },
}
