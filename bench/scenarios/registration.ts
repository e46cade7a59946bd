// Creating clients: by Hydra's admin API, or where there is none by dynamic registration (RFC 7591).
import { driveHttp } from '../load/http_drive.js'
import { dialectOf, overHttp, type Scenario } from './scenario.js'

export const registration: Scenario = {
  name: 'create_client',
  title: 'creating a client',
  runsAt: overHttp,
  async prepare(world) {
    const dialect = dialectOf(world)
    return {
      kind: '',
      run: (limit) =>
        driveHttp(
          {
            origin: dialect.adminUrl,
            connections: world.concurrency,
            pipelining: world.pipelining,
            request: dialect.registration(),
            isRight: (status, body) => status === 201 && body.includes('"client_secret":"'),
          },
          limit,
        ),
    }
  },
}
