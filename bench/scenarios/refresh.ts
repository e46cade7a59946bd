// The refresh token grant (RFC 6749 section 6) with rotation and a new ID token; and what a long chain of rotations costs at
// its beginning and at its end.
import { type Limit, repeatInHands } from '../load/meter.js'
import { logIn, refresh } from './log_in.js'
import { type Drive, dialectOf, kindOf, overHttp, repeat, type Scenario, type World } from './scenario.js'

/** Chains, each in the hand of one who only ever has its last token. */
async function chains(world: World, alg: string, count: number): Promise<Drive> {
  const dialect = dialectOf(world)
  const client = await dialect.app(alg)
  const begun = await repeat(count, () => logIn(dialect, client))
  const hands = begun.map(({ refreshToken }) => {
    let current = refreshToken
    return async () => {
      current = (await refresh(dialect, client, current)).refreshToken
      return 1
    }
  })
  const kind = `ID token ${await kindOf(dialect, begun[0]?.idToken ?? '')}`
  return { kind, run: (limit) => repeatInHands(hands, limit) }
}

const refreshing = (name: string, alg: string): Scenario => ({
  name,
  title: 'refresh, with a new ID token',
  runsAt: overHttp,
  prepare: (world) => chains(world, alg, world.concurrency),
})

export const refreshEs256 = refreshing('refresh_es256', 'ES256')
export const refreshRs256 = refreshing('refresh_rs256', 'RS256')

const chainCount = 2
const chainLength = 4_000
const measured = 100

/** New chains for each round, so that each is at its beginning. */
export const refreshChainStart: Scenario = {
  name: 'refresh_chain_start',
  title: `refresh, the first ${measured} rotations`,
  runsAt: (server) => overHttp(server) && server.dialect === 'hydra',
  operations: chainCount * measured,
  async prepare(world) {
    let drive = await chains(world, 'ES256', chainCount)
    return {
      kind: drive.kind,
      refill: async () => {
        drive = await chains(world, 'ES256', chainCount)
      },
      run: (limit: Limit) => drive.run(limit),
    }
  },
}

/** Chains that have come near their length before they are measured; a round goes on where the last one ended. */
export const refreshChainEnd: Scenario = {
  name: 'refresh_chain_end',
  title: `refresh, around rotation ${chainLength.toLocaleString('en')}`,
  runsAt: (server) => overHttp(server) && server.dialect === 'hydra',
  operations: chainCount * measured,
  async prepare(world) {
    const drive = await chains(world, 'ES256', chainCount)
    let isLong = false
    return {
      ...drive,
      refill: async (operations) => {
        // A run of a few operations is one that is not to be measured.
        if (isLong || operations < chainCount * measured) return
        isLong = true
        await drive.run({ operations: chainCount * (chainLength - 2 * measured) })
      },
    }
  },
}
