// Userinfo (OpenID Connect Core section 5.3) with the access tokens of a few end-users.
import { get } from '../load/http_client.js'
import { driveHttp } from '../load/http_drive.js'
import { logIn } from './log_in.js'
import { dialectOf, inTurn, kindOf, overHttp, repeat, type Scenario } from './scenario.js'

const endUsers = 50

export const userinfo: Scenario = {
  name: 'userinfo',
  title: 'userinfo',
  runsAt: overHttp,
  async prepare(world) {
    const dialect = dialectOf(world)
    const client = await dialect.app('ES256')
    const tokens = (await repeat(endUsers, () => logIn(dialect, client))).map(({ accessToken }) => accessToken)
    const requests = tokens.map((token) => get(dialect.paths.userinfo, { authorization: `Bearer ${token}` }))
    return {
      kind: await kindOf(dialect, tokens[0] ?? ''),
      run: (limit) =>
        driveHttp(
          {
            origin: dialect.publicUrl,
            connections: world.concurrency,
            pipelining: world.pipelining,
            request: inTurn(requests),
            isRight: (status, body) => status === 200 && body.includes('"sub":"user-'),
          },
          limit,
        ),
    }
  },
}
