// The whole authorization code flow, with login and consent, to the tokens.
import { repeatInHands } from '../load/meter.js'
import { logIn } from './log_in.js'
import { dialectOf, kindOf, overHttp, type Scenario } from './scenario.js'

const codeFlow = (name: string, alg: string): Scenario => ({
  name,
  title: 'code flow with login and consent',
  runsAt: overHttp,
  warmUpSeconds: 6,
  timesAsLong: 4,
  async prepare(world) {
    const dialect = dialectOf(world)
    const client = await dialect.app(alg)
    const { idToken } = await logIn(dialect, client)
    const hands = Array.from({ length: world.concurrency }, () => async () => {
      await logIn(dialect, client)
      return 1
    })
    return { kind: `ID token ${await kindOf(dialect, idToken)}`, run: (limit) => repeatInHands(hands, limit) }
  },
})

export const codeFlowEs256 = codeFlow('code_flow_es256', 'ES256')
export const codeFlowRs256 = codeFlow('code_flow_rs256', 'RS256')
