// The client credentials grant (RFC 6749 section 4.4): opaque access tokens, and JWTs of both kinds of keys.
import { driveHttp } from '../load/http_drive.js'
import { algorithmOf } from '../load/jwt.js'
import { dialectOf, kindOf, machineRequest, mintTokens, overHttp, type Scenario } from './scenario.js'

const clientCredentials = (name: string, title: string, alg?: string): Scenario => ({
  name,
  title,
  runsAt: overHttp,
  async prepare(world) {
    const dialect = dialectOf(world)
    const machine = await dialect.machine(alg)
    const [token = ''] = await mintTokens(dialect, machine, 1)
    if (alg !== undefined && algorithmOf(token) === undefined) throw new Error(`no JWT was issued: ${token}`)
    return {
      kind: await kindOf(dialect, token),
      run: (limit) =>
        driveHttp(
          {
            origin: dialect.publicUrl,
            connections: world.concurrency,
            pipelining: world.pipelining,
            request: machineRequest(dialect, machine),
            isRight: (status, body) => status === 200 && body.includes('"access_token":"'),
          },
          limit,
        ),
    }
  },
})

export const clientCredentialsOpaque = clientCredentials('client_credentials_opaque', 'client credentials, opaque')
export const clientCredentialsEs256 = clientCredentials('client_credentials_es256', 'client credentials, JWT', 'ES256')
export const clientCredentialsRs256 = clientCredentials('client_credentials_rs256', 'client credentials, JWT', 'RS256')
