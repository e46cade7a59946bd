// The package for TypeScript, clients/typescript: with Koa, Express and gRPC.
import { readFileSync } from 'node:fs'
import { ChannelCredentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Introspector, type OnTrouble } from '../../clients/typescript/src/index.js'
import { Authority, hasOpenssl } from '../support/certificates.js'
import { post } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { createClient } from '../support/user_agent.js'
import { describeLocalDecisions } from './local_decisions.js'
import { typescript } from './typescript_resource_server.js'
import { describeWithServer } from './with_server.js'

describeLocalDecisions(typescript)
describeWithServer(typescript)

const needs = hasOpenssl ? undefined : 'openssl'
describe.skipIf(needs)('TypeScript: TLS on both sides', { meta: { needs: needs ?? '' } }, () => {
  let authority: Authority
  let suite: Suite

  beforeAll(async () => {
    authority = new Authority()
    const tls = authority.issue('token')
    const config = { strategies: { access_token: 'jwt' as const }, serve: { grpc: { tls } } }
    suite = await startSuite({ shape: 'one', config })
  })
  afterAll(async () => {
    await suite?.stop()
    authority?.remove()
  })

  const introspectorWith = (credentials: ChannelCredentials, onTrouble: OnTrouble = () => undefined) =>
    new Introspector({
      issuer: suite.publicUrl,
      audience: null,
      onTrouble,
      grpc: { address: suite.grpcAddress, credentials },
    })

  it('RFC 8705: a client certificate says who calls, and decides locally with what it is told', async () => {
    const { ca, cert, key } = authority.issue('resource_server')
    const [root, chain, secret] = [ca, cert, key].map((file) => readFileSync(String(file)))
    const introspector = introspectorWith(ChannelCredentials.createSsl(root, secret, chain))
    try {
      await introspector.start({ signal: AbortSignal.timeout(30_000) })
      const client = await createClient(suite, { grant_types: ['client_credentials'] })
      const { body } = await post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, client)
      const token = String(body.access_token)
      expect(await introspector.introspect(token)).toMatchObject({ active: true, source: 'memory' })
    } finally {
      await introspector.stop()
    }
  })

  it('nothing is told to whoever shows none', async () => {
    let troubled: () => void = () => undefined
    const trouble = new Promise<void>((resolve) => {
      troubled = resolve
    })
    const stranger = introspectorWith(ChannelCredentials.createSsl(readFileSync(authority.ca)), () => troubled())
    const stopping = new AbortController()
    const starting = stranger.start({ signal: stopping.signal }).then(
      () => 'started',
      () => 'not started',
    )
    await trouble
    stopping.abort()
    expect(await starting).toBe('not started')
    await stranger.stop()
  })
})
