// A resource server that is built on a package, with the real authorization server: nothing is asked while all is well,
// revocations and rotated keys arrive by themselves, an outage is told as one, and all recovers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KeyServiceService } from '#proto/token/v1/key_service.js'
import { serviceToken } from '../../services/kit/identity.js'
import { type DatabaseLine, openLine } from '../support/database_line.js'
import { eventually } from '../support/eventually.js'
import { logIn, post, type RegisteredClient, redirectUri } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { callGrpc, get, type Language, type ResourceServer, statusOf } from './resource_server.js'

const audience = 'https://api.example'
const [ok, unavailable, permissionDenied, unauthenticated] = [0, 14, 7, 16]

export function describeWithServer(language: Language): void {
  describe.skipIf(language.needs)(
    `${language.name}: with the server`,
    { meta: { needs: language.needs ?? '' } },
    () => {
      let suite: Suite
      /** Lines to the feed and to introspection. */
      let feed: DatabaseLine
      let asking: DatabaseLine
      let server: ResourceServer
      let app: RegisteredClient
      /** Every token that was shown. */
      const shown: string[] = []

      beforeAll(async () => {
        await language.prepare?.()
        suite = await startSuite({
          config: { strategies: { access_token: 'jwt' }, keys: { publish_before_use: 0 } },
        })
        feed = await openLine(`tcp://${suite.grpcAddresses.token}`)
        asking = await openLine(`tcp://${suite.grpcAddresses.introspection}`)
        app = await register()
        const grpc = {
          token: hostOf(feed),
          introspection: hostOf(asking),
          serviceToken: serviceToken(suite.config.secrets.system, 'resource_server'),
        }
        server = await language.start({ issuer: suite.publicUrl, audience, maxStalenessMs: 3_000, grpc })
      })
      afterAll(async () => {
        await server?.stop()
        await feed?.close()
        await asking?.close()
        await suite?.stop()
      })

      const hostOf = ({ dsn }: DatabaseLine) => new URL(dsn).host

      async function register(metadata: object = {}): Promise<RegisteredClient> {
        const body = JSON.stringify({
          grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
          response_types: ['code'],
          redirect_uris: [redirectUri],
          scope: 'openid offline_access read write',
          audience: [audience],
          token_endpoint_auth_method: 'client_secret_basic',
          ...metadata,
        })
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(`${suite.adminUrl}/admin/clients`, { method: 'POST', headers, body })
        if (answer.status !== 201) throw new Error(await answer.text())
        return (await answer.json()) as RegisteredClient
      }

      async function issue(client = app, scope = 'read'): Promise<string> {
        const { body } = await post(
          suite,
          '/oauth2/token',
          { grant_type: 'client_credentials', scope, audience },
          client,
        )
        const token = String(body.access_token)
        shown.push(token)
        return token
      }

      const revoke = (token: string) => post(suite, '/oauth2/revoke', { token }, app)
      const read = (token?: string) => get(server, '/read', token)
      const isRefused = async (token: string) => (await read(token)).status === 401
      const isReady = () => eventually(async () => (await statusOf(server)).ready, 20_000)

      it('accepts a token without asking anybody, and hands the decision to the application', async () => {
        await isReady()
        const { asked } = await statusOf(server)
        const token = await issue()
        for (const mount of language.mounts)
          for (let round = 0; round < 20; round++) {
            const { status, body } = await get(server, `${mount}/read`, token)
            expect([status, body.source]).toEqual([200, 'memory'])
            expect(body).toMatchObject({ client_id: app.client_id, scope: ['read'], audience: [audience] })
          }
        expect(await callGrpc(server, token)).toBe(ok)
        expect((await statusOf(server)).asked).toBe(asked)
      })

      it('RFC 6750 3: says what is wrong with a request', async () => {
        const narrow = await issue(app, 'write')
        for (const mount of language.mounts) {
          const none = await get(server, `${mount}/any`)
          expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
          const bad = await get(server, `${mount}/any`, `${narrow.slice(0, -4)}AAAA`)
          expect(bad.status).toBe(401)
          expect(bad.headers.get('www-authenticate')).toContain('error="invalid_token"')
          const malformed = await get(server, `${mount}/any`, 'two words')
          expect([malformed.status, malformed.body.error]).toEqual([400, 'invalid_request'])
          const lacking = await get(server, `${mount}/read`, narrow)
          expect(lacking.status).toBe(403)
          expect(lacking.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
          expect(lacking.headers.get('www-authenticate')).toContain('scope="read"')
          expect((await get(server, `${mount}/any`, narrow)).status).toBe(200)
        }
        expect(await callGrpc(server)).toBe(unauthenticated)
        expect(await callGrpc(server, 'nonsense')).toBe(unauthenticated)
        expect(await callGrpc(server, narrow)).toBe(permissionDenied)
      })

      it('asks for what it cannot read: an opaque token is the server’s to judge, a refresh token no access token', async () => {
        const opaque = await register({ access_token_strategy: 'opaque' })
        const { asked } = await statusOf(server)
        const token = await issue(opaque)
        const { status, body } = await read(token)
        expect([status, body.source, body.client_id]).toEqual([200, 'server', opaque.client_id])
        expect((await statusOf(server)).asked).toBe(asked + 1)
        const { refresh_token: refreshToken } = await logIn(suite, app, { scope: 'offline_access read', audience }, {})
        expect((await get(server, '/any', refreshToken)).status).toBe(401)
      })

      it('I4: refuses a token that was revoked', async () => {
        const delays: number[] = []
        for (let round = 0; round < 5; round++) {
          const token = await issue()
          expect((await read(token)).status).toBe(200)
          await revoke(token)
          const revokedAt = performance.now()
          await eventually(() => isRefused(token), 20_000)
          delays.push(Math.round(performance.now() - revokedAt))
        }
        console.log(`${language.name}: refused ${delays.join(', ')} ms after the revocation was answered`)
      })

      it('refuses the tokens of a grant that ended, with the decision on the end-user before', async () => {
        const tokens = await logIn(suite, app, { scope: 'offline_access read', audience }, {})
        const before = await get(server, '/any', tokens.access_token)
        expect(before.body).toMatchObject({ source: 'memory', client_id: app.client_id })
        expect(before.body.grant_id).not.toBe('')
        await revoke(tokens.refresh_token)
        await eventually(() => isRefused(tokens.access_token), 20_000)
      })

      it('I12: refuses the tokens of a client that was deleted, and takes those of one that is registered by its name', async () => {
        const client_id = 'a-mortal-client'
        const mortal = await register({ client_id })
        const old = await issue(mortal)
        expect((await read(old)).status).toBe(200)
        await fetch(`${suite.adminUrl}/admin/clients/${client_id}`, { method: 'DELETE' })
        const reborn = await register({ client_id })
        const fresh = await issue(reborn)
        expect((await read(fresh)).status).toBe(200)
        await eventually(() => isRefused(old), 20_000)
        expect((await read(fresh)).body).toMatchObject({ source: 'memory', client_id })
      })

      it('RL-09: takes what is signed with a new key, and goes on with what the old one signed', async () => {
        const old = await issue()
        await suite.remote(KeyServiceService).rotateKeySet({ set: 'hydra.jwt.access-token' })
        const kidOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
        let fresh = old
        await eventually(async () => {
          fresh = await issue()
          return kidOf(fresh) !== kidOf(old)
        }, 20_000)
        await isReady()
        for (const token of [fresh, old]) expect((await read(token)).status).toBe(200)
        await eventually(async () => (await read(fresh)).body.source === 'memory', 20_000)
        expect((await read(old)).body.source).toBe('memory')
      })

      it('without the feed asks, without an answer says 503 and UNAVAILABLE, and recovers by itself', {
        timeout: 120_000,
      }, async () => {
        const [good, revokedBefore, revokedMeanwhile] = [await issue(), await issue(), await issue()]
        await revoke(revokedBefore)
        await eventually(() => isRefused(revokedBefore), 20_000)
        const { resets } = await statusOf(server)
        feed.cut()
        await eventually(async () => (await read(good)).body.source === 'server', 20_000)
        await revoke(revokedMeanwhile)
        await eventually(() => isRefused(revokedMeanwhile), 20_000)
        expect(await callGrpc(server, good)).toBe(ok)

        asking.cut()
        for (const mount of language.mounts) {
          const { status, headers, body } = await get(server, `${mount}/read`, good)
          expect([status, headers.get('retry-after'), body.error]).toEqual([503, '1', 'temporarily_unavailable'])
        }
        expect(await callGrpc(server, good)).toBe(unavailable)
        // An outage is never a verdict; what was known is one.
        expect((await read(revokedBefore)).status).toBe(401)

        feed.mend()
        asking.mend()
        await isReady()
        expect((await read(good)).body.source).toBe('memory')
        for (const token of [revokedBefore, revokedMeanwhile]) expect((await read(token)).status).toBe(401)
        expect((await statusOf(server)).resets).toBe(resets)
      })

      it('over HTTP alone asks the public introspection endpoint for each token, as a client', async () => {
        const http = {
          introspectionEndpoint: `${suite.publicUrl}/oauth2/introspect`,
          clientId: app.client_id,
          clientSecret: app.client_secret ?? '',
        }
        const simple = await language.start({ issuer: suite.publicUrl, audience, http })
        try {
          const token = await issue()
          const { status, body } = await get(simple, '/read', token)
          expect([status, body.source, body.client_id]).toEqual([200, 'server', app.client_id])
          await revoke(token)
          await eventually(async () => (await get(simple, '/read', token)).status === 401, 20_000)
        } finally {
          await simple.stop()
        }
      })

      it('LG-01: never wrote a token', () => {
        for (const token of shown) expect(server.output()).not.toContain(token.split('.').at(-1))
      })
    },
  )
}
