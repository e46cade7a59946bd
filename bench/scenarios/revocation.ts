// Revocation (RFC 7009): each access token once.
import { postForm } from '../load/http_client.js'
import { driveHttp } from '../load/http_drive.js'
import { dialectOf, kindOf, mintTokens, remembers, type Scenario } from './scenario.js'

export const revocation: Scenario = {
  name: 'revoke',
  title: 'revocation',
  runsAt: remembers,
  operations: 3_000,
  async prepare(world) {
    const dialect = dialectOf(world)
    const machine = await dialect.machine()
    let tokens = await mintTokens(dialect, machine, 1)
    const kind = await kindOf(dialect, tokens[0] ?? '')
    return {
      kind,
      refill: async (operations) => {
        tokens = await mintTokens(dialect, machine, operations)
      },
      run: (limit) =>
        driveHttp(
          {
            origin: dialect.publicUrl,
            connections: world.concurrency,
            pipelining: world.pipelining,
            request: () => postForm(dialect.paths.revocation, { token: tokens.pop() ?? '' }, machine.headers),
            isRight: (status) => status === 200,
          },
          limit,
        ),
    }
  },
}
