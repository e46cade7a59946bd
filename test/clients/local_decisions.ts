// What a resource server that is built on a package decides by itself, against a hand-written authorization server: which
// JWTs it takes (RFC 9068 4, RFC 8725), how it keeps keys, how it follows the feed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RevocationKind } from '#proto/token/v1/revocation_service.js'
import { nowMs, nowSeconds } from '../../services/kit/clock.js'
import { newTimedId, newUuid, uuidFromBytes } from '../../services/kit/random.js'
import {
  badJwts,
  type Claims,
  ecKey,
  goodClaims,
  macUnderPublicKey,
  makeJwt,
  newCorpusKeys,
  noTokens,
  otherSpellings,
  unsignedJwts,
  wrongSignatures,
} from '../support/access_token_corpus.js'
import { eventually } from '../support/eventually.js'
import { FakeTessera } from './fake_tessera.js'
import { get, introspect, type Language, type ResourceServer, statusOf } from './resource_server.js'

const audience = 'https://api.example'
const registrationId = newUuid()
const corpusKeys = newCorpusKeys()
const { es256, rs256, ps256, eddsa } = corpusKeys

export function describeLocalDecisions(language: Language): void {
  describe.skipIf(language.needs)(
    `${language.name}: local decisions`,
    { meta: { needs: language.needs ?? '' } },
    () => {
      let tessera: FakeTessera
      let server: ResourceServer
      beforeAll(async () => {
        tessera = await new FakeTessera(corpusKeys).start()
        const grpc = { token: tessera.grpcAddress, introspection: tessera.grpcAddress }
        server = await language.start({ issuer: tessera.issuer, audience, maxStalenessMs: 3_000, grpc })
      })
      afterAll(async () => {
        await server?.stop()
        await tessera?.stop()
      })

      const good = (): Claims =>
        goodClaims({ issuer: tessera.issuer, clientId: 'app', registrationId, audience: [audience] })
      const token = (claims: Claims = {}, key = es256) => makeJwt(key, { ...good(), ...claims })
      const isReady = () => eventually(async () => (await statusOf(server)).ready, 20_000)

      const expectGood = async (jwt: string) =>
        expect((await introspect(server, jwt)).body).toMatchObject({ active: true, source: 'memory' })
      const expectBad = async (jwt: string) =>
        expect(await introspect(server, jwt)).toMatchObject({ status: 200, body: { active: false } })

      describe('RFC 9068 4: a JWT access token', () => {
        it('is good with each algorithm, and hands over what it says', async () => {
          for (const key of [es256, rs256, ps256, eddsa]) await expectGood(token({}, key))
          const claims: Claims = { ...good(), ext: { role: 'admin' }, plan: 'gold' }
          const { body } = await introspect(server, makeJwt(es256, claims))
          expect(body).toEqual({
            active: true,
            subject: 'alice',
            client_id: 'app',
            scope: ['read'],
            audience: [audience],
            issued_at: claims.iat,
            expires_at: claims.exp,
            token_id: claims.jti,
            grant_id: claims.gid,
            claims: { role: 'admin', plan: 'gold' },
            source: 'memory',
          })
        })

        it('may spell its type as a media type, its scope as text, its audience as one, and lack what is optional', async () => {
          for (const typ of ['application/at+jwt', 'AT+JWT']) await expectGood(makeJwt(es256, good(), { typ }))
          const { scp: _, nbf: __, gid: ___, ...rest } = good()
          const { body } = await introspect(server, makeJwt(es256, { ...rest, aud: audience, scope: 'read write' }))
          expect(body).toMatchObject({ active: true, scope: ['read', 'write'], audience: [audience], grant_id: '' })
        })

        it('TK-12: in a hostile form is not good, and nobody is asked', async () => {
          const asked = tessera.asked.length
          for (const [name, make] of Object.entries(badJwts(corpusKeys, good)))
            expect((await introspect(server, make())).body, name).toEqual({ active: false })
          const one = token()
          await expectGood(one)
          const others = [
            ...unsignedJwts(corpusKeys, good),
            macUnderPublicKey(corpusKeys, good),
            ...wrongSignatures(corpusKeys, good),
          ]
          for (const jwt of others) await expectBad(jwt)
          expect(tessera.asked.length).toBe(asked)
          // What has not the form of a JWT is the server's to judge.
          for (const jwt of otherSpellings(one)) await expectBad(jwt)
        })

        it('for another resource server, or for none, is not good', async () => {
          for (const aud of [[], 'https://other.example', ['https://other.example'], `${audience}/`, undefined])
            await expectBad(token({ aud }))
          await expectGood(token({ aud: ['https://other.example', audience] }))
        })

        it('may be ahead of this clock by a minute, and lives no longer for it', async () => {
          await expectGood(token({ nbf: nowSeconds() + 30 }))
          await expectBad(token({ nbf: nowSeconds() + 120 }))
          await expectBad(token({ exp: nowSeconds() }))
        })
      })

      it('what is no token is not good, and kills nobody', async () => {
        for (const [name, make] of Object.entries(noTokens(corpusKeys, good)))
          expect((await introspect(server, make())).body, name).toEqual({ active: false })
        await expectGood(token())
      })

      describe('the feed', () => {
        it('ends a token by its id, its grant, its registration, and by what was issued until a moment', async () => {
          const jti = uuidFromBytes(newTimedId())
          const [gid, rid] = [newUuid(), newUuid()]
          const before = uuidFromBytes(newTimedId(nowMs() - 10_000))
          const revoked = [
            token({ jti }),
            token({ gid }),
            token({ rid }),
            token({ jti: before, client_id: 'leaky' }),
            token({ jti: before, sub: 'mallory', gid: newUuid() }),
            token({ jti: before, sub: 'oscar', gid: newUuid(), client_id: 'shared' }),
          ]
          const spared = [
            ...[token(), token({ jti: before }), token({ client_id: 'leaky' })],
            ...[token({ sub: 'mallory', gid: newUuid() }), token({ jti: before, sub: 'mallory', gid: undefined })],
            token({ jti: before, sub: 'oscar', gid: newUuid() }),
          ]
          for (const jwt of [...revoked, ...spared]) await expectGood(jwt)
          const until = nowMs() - 5_000
          tessera.revoke(RevocationKind.TOKEN, jti)
          tessera.revoke(RevocationKind.GRANT, gid)
          tessera.revoke(RevocationKind.REGISTRATION, rid)
          tessera.revoke(RevocationKind.CLIENT, 'leaky', until)
          tessera.revoke(RevocationKind.SUBJECT, 'mallory', until)
          tessera.revoke(RevocationKind.SUBJECT, 'oscar', until, 'shared')
          await eventually(async () => (await statusOf(server)).revocations >= 6)
          for (const jwt of revoked) await expectBad(jwt)
          for (const jwt of spared) await expectGood(jwt)
        })

        it('goes on from its cursor where it breaks off', async () => {
          const { resets } = await statusOf(server)
          const opened = tessera.openings.length
          const jwt = token({ jti: uuidFromBytes(newTimedId()) })
          tessera.breakFeeds()
          await eventually(() => tessera.openings.length > opened)
          expect(tessera.openings.at(-1)).toBe('6')
          await expectGood(jwt)
          expect((await statusOf(server)).resets).toBe(resets)
        })

        it('begins anew where its position is lost, with what is alive', async () => {
          const { resets } = await statusOf(server)
          tessera.forgetRevocations()
          tessera.hasLostPositions = true
          tessera.breakFeeds()
          await eventually(async () => (await statusOf(server)).resets === resets + 1)
          tessera.hasLostPositions = false
          await isReady()
          expect(tessera.openings.at(-1)).toBe('')
          expect((await statusOf(server)).revocations).toBe(0)
        })

        it('that falls silent is given up, and its age counts meanwhile', { timeout: 60_000 }, async () => {
          const opened = tessera.openings.length
          tessera.isSilent = true
          await eventually(async () => !(await statusOf(server)).ready, 20_000)
          await eventually(() => tessera.openings.length > opened, 20_000)
          tessera.isSilent = false
          await isReady()
        })
      })

      describe('beyond the bound', () => {
        const answered = { active: true, tokenUse: 'access_token', sub: 'asked', aud: [audience] }
        const old = 60_000

        it.each(['ageMs', 'deletionsAgeMs'] as const)(
          'the server is asked: by %s; what was revoked stays so',
          async (field) => {
            const jti = uuidFromBytes(newTimedId())
            tessera.revoke(RevocationKind.TOKEN, jti)
            await eventually(async () => (await statusOf(server)).revocations > 0)
            tessera.news = { ...tessera.news, [field]: old }
            await eventually(async () => !(await statusOf(server)).ready, 20_000)
            tessera.answer = answered
            const jwt = token()
            expect((await introspect(server, jwt)).body).toMatchObject({
              active: true,
              subject: 'asked',
              source: 'server',
            })
            expect(tessera.asked.at(-1)).toBe(jwt)
            await expectBad(token({ jti }))
            await expectBad(token({ exp: nowSeconds() - 1 }))
            expect(tessera.asked.at(-1)).toBe(jwt)
            tessera.answer = { active: false }
            await expectBad(jwt)
            tessera.introspectionIsDown = true
            expect((await introspect(server, jwt)).status).toBe(503)
            tessera.introspectionIsDown = false
            tessera.news = { ...tessera.news, [field]: 0 }
            await isReady()
            await expectGood(jwt)
          },
        )

        it('of what is known of deletions, only older tokens are asked about', async () => {
          const jti = uuidFromBytes(newTimedId(nowMs() - 10_000))
          const revision = 'revision-of-deletions'
          tessera.news = { ...tessera.news, deletionsMissingBeforeMs: nowMs() - 5_000 }
          // The next message tells both.
          tessera.revision = revision
          await eventually(async () => (await statusOf(server)).keys_revision === revision)
          tessera.answer = answered
          expect((await introspect(server, token({ jti }))).body).toMatchObject({ source: 'server' })
          await expectGood(token())
          tessera.news = { ...tessera.news, deletionsMissingBeforeMs: 0 }
          tessera.answer = { active: false }
        })

        it('a refresh token, or a token for others, is not good whatever the server says', async () => {
          for (const changed of [{ tokenUse: 'refresh_token' }, { aud: ['https://other.example'] }]) {
            tessera.answer = { ...answered, ...changed }
            await expectBad('tsr_rt_something')
          }
          tessera.answer = { active: false }
        })
      })

      describe('the published keys', () => {
        it('are fetched once for all who need a new one, and followed by the revision that the feed tells', async () => {
          await isReady()
          const fresh = ecKey('es-2')
          const before = tessera.fetches
          tessera.keys = { ...tessera.keys, 'hydra.jwt.access-token': [fresh, es256] }
          tessera.revision = 'revision-2'
          await eventually(async () => (await statusOf(server)).keys_revision === 'revision-2')
          await Promise.all(Array.from({ length: 20 }, () => expectGood(token({}, fresh))))
          expect(tessera.fetches - before).toBeLessThanOrEqual(3)
          await expectBad(token({}, rs256))
        })

        it('that are published no more end what they verified, though another key has their name', async () => {
          const publish = async (revision: string, key = ecKey('es-reused')) => {
            tessera.keys = { ...tessera.keys, 'hydra.jwt.access-token': [key, es256] }
            tessera.revision = revision
            await eventually(async () => (await statusOf(server)).keys_revision === revision)
            return key
          }
          const jwt = token({}, await publish('revision-2a'))
          for (let count = 0; count < 3; count++) await expectGood(jwt)
          await publish('revision-2b')
          await expectBad(jwt)
        })

        it('that nobody knows are not asked for at all, where the feed says that all are known', async () => {
          const before = tessera.fetches
          const asked = tessera.asked.length
          for (let index = 0; index < 30; index++) await expectBad(token({}, ecKey(`unknown-${index}`)))
          expect(tessera.fetches).toBe(before)
          expect(tessera.asked.length).toBe(asked)
        })

        it('I11: that cannot be fetched make an outage, not a verdict; known ones go on', async () => {
          const next = ecKey('es-3')
          tessera.keysAreDown = true
          tessera.introspectionIsDown = true
          tessera.keys = { ...tessera.keys, 'hydra.jwt.access-token': [next, es256] }
          tessera.revision = 'revision-3'
          await eventually(async () => (await introspect(server, token({}, next))).status === 503)
          await expectGood(token())
          tessera.keysAreDown = false
          tessera.introspectionIsDown = false
          await eventually(async () => (await introspect(server, token({}, next))).body.active === true, 20_000)
        })
      })

      it('RFC 6750 3: a refusal says why, in each middleware', async () => {
        for (const mount of language.mounts) {
          const refused = await get(server, `${mount}/read`, token({ scp: ['write'] }))
          expect(refused.status).toBe(403)
          expect(refused.headers.get('www-authenticate')).toBe(
            'Bearer realm="the \\"api\\"", error="insufficient_scope", ' +
              'error_description="The access token has not every scope that is needed.", scope="read"',
          )
          expect(refused.body.error).toBe('insufficient_scope')
        }
      })
    },
  )
}
