// What is measured on a small and on a grown database, at the same modest rate on both: each operation for another of the
// grants, subjects and clients that the database was filled with.
import { readFileSync } from 'node:fs'
import type { BenchClient, Dialect } from '../dialects/dialect.js'
import { call, get, type HttpRequest, postForm } from '../load/http_client.js'
import { repeatAtRate } from '../load/meter.js'
import { logIn, refresh } from '../scenarios/log_in.js'
import { type Drive, dialectOf, inTurn, repeat, type Scenario, type World } from '../scenarios/scenario.js'
import type { SampledGrant } from './sample.js'

interface Sample {
  readonly dialect: Dialect
  /** The next grant that nobody has taken. */
  readonly take: () => SampledGrant
  readonly left: readonly SampledGrant[]
  readonly all: readonly SampledGrant[]
}

const sampleOf = (world: World): Sample => {
  const all = JSON.parse(readFileSync(world.server.population ?? '', 'utf8')) as SampledGrant[]
  const left = taken.get(world.server.name) ?? [...all]
  taken.set(world.server.name, left)
  const take = () => {
    const grant = left.pop()
    if (!grant) throw new Error('all sampled grants are used up')
    return grant
  }
  return { dialect: dialectOf(world), take, left, all }
}

/** So many clients, whatever the size: they are known when it is measured. */
const clientsInTurn = (all: readonly SampledGrant[]) =>
  inTurn([...new Map(all.map((grant) => [grant.clientId, grant])).values()].slice(0, 150))

/** What scenarios have left of each sample: a refresh token is good once. */
const taken = new Map<string, SampledGrant[]>()

const clientOf = ({ clientId, headers }: SampledGrant): BenchClient => ({ id: clientId, headers })

async function expect(origin: string, request: HttpRequest, part: string): Promise<string> {
  const { status, body } = await call(origin, request)
  if (status !== 200 || !body.replace('": ', '":').includes(part)) throw new Error(`${status} ${body}`)
  return body
}

type Operation = (sample: Sample) => Promise<Pick<Drive, 'refill'> & { readonly operation: () => Promise<unknown> }>

const growing = (name: string, title: string, perSecond: number, operation: Operation): Scenario => ({
  name: `growth_${name}`,
  title,
  runsAt: ({ population }) => population !== undefined,
  async prepare(world) {
    const prepared = await operation(sampleOf(world))
    return { kind: '', ...prepared, run: (limit) => repeatAtRate(prepared.operation, perSecond, limit) }
  },
})

const issue = growing('issue', 'issue: client credentials', 150, async ({ dialect, all }) => {
  const next = clientsInTurn(all)
  const operation = () => {
    const request = postForm(dialect.paths.token, { grant_type: 'client_credentials', scope: 'openid' }, next().headers)
    return expect(dialect.publicUrl, request, '"access_token":"')
  }
  return { operation }
})

const begin = growing('begin', 'issue: code flow with login and consent', 30, async ({ dialect, all }) => {
  const next = clientsInTurn(all)
  return { operation: () => logIn(dialect, clientOf(next())) }
})

/** So many are left for the others. */
const reserved = 3_000

/** Every second one is of a grant that nobody has read for long, while there are some; the others go on with a chain. */
const rotate = growing('refresh', 'refresh', 100, async ({ dialect, take, left }) => {
  const chains: { readonly client: BenchClient; token: string }[] = []
  let count = 0
  const next = () => {
    const known = count++ % 2 === 0 || left.length <= reserved ? chains.shift() : undefined
    if (known) return known
    const grant = take()
    return { client: clientOf(grant), token: grant.refreshToken }
  }
  const operation = async () => {
    const chain = next()
    chain.token = (await refresh(dialect, chain.client, chain.token)).refreshToken
    chains.push(chain)
  }
  return { operation }
})

const introspect = growing('introspect', 'introspect', 150, async ({ dialect, take }) => {
  const tokens = await repeat(300, async () => {
    const grant = take()
    return (await refresh(dialect, clientOf(grant), grant.refreshToken)).accessToken
  })
  const next = inTurn(tokens)
  return { operation: () => expect(dialect.adminUrl, dialect.introspection(next()), '"active":true') }
})

const revoke = growing('revoke', 'revoke a grant', 50, async ({ dialect, take }) => ({
  operation: () => {
    const { refreshToken, headers } = take()
    return expect(dialect.publicUrl, postForm(dialect.paths.revocation, { token: refreshToken }, headers), '')
  },
}))

const sessions = growing('sessions', 'list the sessions of a subject', 100, async ({ dialect, all }) => {
  const next = inTurn(all)
  const operation = () => {
    const query = new URLSearchParams({ subject: next().subject })
    return expect(dialect.adminUrl, get(`/admin/oauth2/auth/sessions/consent?${query}`), '"consent_request"')
  }
  return { operation }
})

export const growthScenarios: readonly Scenario[] = [issue, begin, rotate, introspect, revoke, sessions]
