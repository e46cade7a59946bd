// Introspection while the services that it learns from cannot be reached: it knows how stale it is, asks where it may not
// trust memory, says so where it cannot ask, and recovers by itself.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Consistency } from '#proto/introspection/v1/introspection_service.js'
import { RevocationKind } from '#proto/token/v1/revocation_service.js'
import { monotonicMs } from '../../services/kit/clock.js'
import { eventually } from '../support/eventually.js'
import { type Registered, TokenSuite } from '../support/token_suite.js'

const outage = { code: 'temporarily_unavailable' }
const maxStalenessMs = 1_000

let suite: TokenSuite
let app: Registered

beforeEach(async () => {
  suite = await TokenSuite.start({ introspection: { max_staleness_ms: maxStalenessMs } })
  app = await suite.register()
})
afterEach(() => suite.stop())

/** A token that was asked for before, so that its client is known. */
async function knownToken(who: Registered = app): Promise<string> {
  const token = await suite.clientCredentials(who)
  expect(await suite.isActive(token)).toBe(true)
  return token
}

/** Whether an answer came from memory: nobody was asked for it. */
async function fromMemory(token: string): Promise<boolean> {
  const calls = () => JSON.stringify([suite.links.revocations.calls, suite.links.clients.calls])
  const before = calls()
  await suite.introspect(token)
  return calls() === before
}

const pause = (ms: number) => {
  const until = monotonicMs() + ms
  return eventually(() => monotonicMs() >= until)
}

describe('I4, I11: while the feed of revocations is silent', () => {
  it('answers from memory within the bound, beyond it from the database, and never wrongly', async () => {
    const [good, revoked] = [await knownToken(), await knownToken()]
    expect(await fromMemory(good)).toBe(true)
    suite.links.revocations.silence()
    const silentSince = monotonicMs()
    await suite.revoke(app, revoked)
    // Who asks while nobody answers is told of an outage, and of nothing else.
    let fromMemoryUntil = 0
    for (;;) {
      const asked = monotonicMs()
      const answer = await Promise.race([suite.isActive(revoked), pause(300).then(() => 'waits' as const)])
      if (answer === 'waits') break
      expect(answer).toBe(true)
      fromMemoryUntil = asked
    }
    expect(fromMemoryUntil - silentSince).toBeLessThanOrEqual(maxStalenessMs + 50)
    await expect(suite.isActive(good)).rejects.toMatchObject(outage)
    await expect(suite.isActive(revoked)).rejects.toMatchObject(outage)
    suite.links.revocations.mend()
    await suite.ready()
    expect(await suite.isActive(revoked)).toBe(false)
    expect(await suite.isActive(good)).toBe(true)
    expect(await fromMemory(good)).toBe(true)
  })
})

describe('while only the feed is broken', () => {
  it('asks for each answer, which is always true, and is as before when the feed is back', async () => {
    const [good, early, late] = [await knownToken(), await knownToken(), await knownToken()]
    await suite.revoke(app, early)
    const { revocations } = suite.links
    revocations.breakStreams(true)
    await eventually(async () => !(await fromMemory(good)))
    await suite.revoke(app, late)
    expect(await suite.isActive(late)).toBe(false)
    expect(await suite.isActive(good)).toBe(true)
    const checks = revocations.calls.checkRevocation ?? 0
    expect(await suite.isActive(early)).toBe(false)
    expect(revocations.calls.checkRevocation, 'what memory knows as revoked needs no question').toBe(checks)
    revocations.breakStreams(false)
    await suite.ready()
    expect(await fromMemory(good)).toBe(true)
    expect(await suite.isActive(late)).toBe(false)
  })
})

describe('I11: while the token service cannot be reached', () => {
  it('STRONG is an outage at once, bounded after the bound; both recover by themselves', async () => {
    const good = await knownToken()
    for (const link of Object.values(suite.links)) link.cut()
    await expect(suite.isActive(good, { consistency: Consistency.STRONG })).rejects.toMatchObject(outage)
    expect(await suite.isActive(good)).toBe(true)
    await eventually(() =>
      suite.isActive(good).then(
        () => false,
        (thrown) => thrown.code === outage.code,
      ),
    )
    expect(await suite.running.introspection.ready()).toBe(false)
    expect((await suite.introspect('nonsense')).active, 'what is no token needs no question').toBe(false)
    for (const link of Object.values(suite.links)) link.mend()
    await eventually(() => suite.isActive(good).catch(() => false))
    await suite.ready()
    expect(await fromMemory(good)).toBe(true)
  })

  it('a batch is an outage as a whole', async () => {
    const good = await knownToken()
    for (const link of Object.values(suite.links)) link.cut()
    await eventually(() =>
      suite.isActive(good).then(
        () => false,
        () => true,
      ),
    )
    const batch = suite.introspection.batchIntrospect({ tokens: ['bad', good, 'bad'], consistency: 0 })
    await expect(batch).rejects.toMatchObject(outage)
  })
})

describe('I12: while the feed of clients is broken', () => {
  it('asks for the client, and knows at once that it was deleted', async () => {
    const [good, dead] = [await knownToken(), await knownToken(await suite.register({ clientId: 'dead' }))]
    suite.links.clients.breakStreams(true)
    await eventually(async () => !(await fromMemory(good)))
    await suite.clients.deleteClient({ clientId: 'dead' })
    expect(await suite.isActive(dead)).toBe(false)
    expect(await suite.isActive(good)).toBe(true)
    suite.links.clients.breakStreams(false)
    await suite.ready()
    expect(await suite.isActive(dead)).toBe(false)
  })

  it('RL-16: and the client service too, is an outage once memory may not be trusted', async () => {
    const good = await knownToken()
    suite.links.clients.cut()
    await eventually(() =>
      suite.isActive(good).then(
        () => false,
        (thrown) => thrown.code === outage.code,
      ),
    )
    suite.links.clients.mend()
    await eventually(() => suite.isActive(good).catch(() => false))
  })
})

describe('what a deleted client leaves', () => {
  it('stands in the log for every reader, and its grants are gone', async () => {
    const mortal = await suite.register({ clientId: 'mortal' })
    const { refreshToken } = await suite.authorize(mortal)
    expect(await suite.isActive(refreshToken)).toBe(true)
    const seen: string[] = []
    const reading = new AbortController()
    const read = async () => {
      const feed = suite.links.revocations.remote.watchRevocations(
        { cursor: Buffer.alloc(0) },
        { signal: reading.signal },
      )
      for await (const { revocations } of feed) for (const { kind, key } of revocations) seen.push(`${kind} ${key}`)
    }
    const done = read()
    await suite.clients.deleteClient({ clientId: 'mortal' })
    await eventually(() => seen.includes(`${RevocationKind.REGISTRATION} ${mortal.client.registrationId}`))
    await eventually(async () => (await suite.countGrants(mortal.client.registrationId)) === 0)
    reading.abort()
    await done
  })

  it('is found also where it was deleted while no token service ran', async () => {
    const mortal = await suite.register({ clientId: 'mortal' })
    await suite.authorize(mortal)
    await suite.restartTokenService(async () => {
      await suite.clients.deleteClient({ clientId: 'mortal' })
      expect(await suite.countGrants(mortal.client.registrationId)).toBe(1)
    })
    await eventually(async () => (await suite.countGrants(mortal.client.registrationId)) === 0)
  })
})
