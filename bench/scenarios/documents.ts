// What is read by many and changes seldom: discovery (OpenID Connect Discovery section 4) and the published keys (RFC 7517).
import type { Dialect } from '../dialects/dialect.js'
import { get } from '../load/http_client.js'
import { driveHttp } from '../load/http_drive.js'
import { dialectOf, overHttp, type Scenario } from './scenario.js'

const document = (name: 'discovery' | 'jwks', title: string, member: string): Scenario => ({
  name,
  title,
  runsAt: overHttp,
  async prepare(world) {
    const dialect: Dialect = dialectOf(world)
    return {
      kind: '',
      run: (limit) =>
        driveHttp(
          {
            origin: dialect.publicUrl,
            connections: world.concurrency,
            pipelining: world.pipelining,
            request: get(dialect.paths[name]),
            isRight: (status, body) => status === 200 && body.includes(`"${member}":`),
          },
          limit,
        ),
    }
  },
})

export const discovery = document('discovery', 'discovery', 'token_endpoint')
export const jwks = document('jwks', 'published keys (JWKS)', 'keys')
