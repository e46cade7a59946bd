// grpcurl and buf curl, with nothing but reflection: list, describe, create a client, issue a token, introspect it.
import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Suite, startSuite } from '../support/suite.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const env = {
  ...process.env,
  PATH: [`${root}node_modules/.bin`, `${root}.toolchains/go/bin`, `${process.env.HOME}/go/bin`, process.env.PATH].join(
    ':',
  ),
}
const execute = promisify(execFile)
const hasGrpcurl = spawnSync('grpcurl', ['-version'], { env }).status === 0

let suite: Suite

beforeAll(async () => {
  suite = await startSuite()
})
afterAll(() => suite.stop())

const grpcurl = async (...args: string[]) =>
  (await execute('grpcurl', ['-plaintext', ...args], { env, cwd: root })).stdout.trim()

const services = [
  'tessera.client.v1.ClientService',
  'tessera.consent.v1.AuthorizationService',
  'tessera.consent.v1.ConsentService',
  'tessera.consent.v1.LoginService',
  'tessera.consent.v1.LogoutService',
  'tessera.introspection.v1.IntrospectionService',
  'tessera.token.v1.KeyService',
  'tessera.token.v1.RevocationService',
  'tessera.token.v1.TokenService',
]

describe.skipIf(!hasGrpcurl)('grpcurl', { meta: { needs: 'grpcurl' } }, () => {
  it('lists the services and describes a method', async () => {
    expect((await grpcurl(suite.grpcAddress, 'list')).split('\n')).toEqual(expect.arrayContaining(services))
    const described = await grpcurl(suite.grpcAddress, 'describe', 'tessera.token.v1.TokenService.IssueToken')
    expect(described).toContain('rpc IssueToken ( .tessera.token.v1.IssueTokenRequest )')
  })

  it('asks for health (grpc.health.v1)', async () => {
    const answer = await grpcurl(suite.grpcAddress, 'grpc.health.v1.Health/Check')
    expect(JSON.parse(answer)).toEqual({ status: 'SERVING' })
  })

  it('creates a client, issues a token and introspects it', async () => {
    const call = async (method: string, request: unknown) =>
      JSON.parse(await grpcurl('-d', JSON.stringify(request), suite.grpcAddress, method))
    const created = await call('tessera.client.v1.ClientService/CreateClient', {
      client: {
        client_name: 'grpcurl',
        grant_types: ['client_credentials'],
        scope: 'read',
        token_endpoint_auth_method: 'client_secret_post',
      },
    })
    const issued = await call('tessera.token.v1.TokenService/IssueToken', {
      grant_type: 'client_credentials',
      parameters: { scope: 'read' },
      credentials: { client_id: created.client.clientId, client_secret: created.clientSecret },
    })
    const introspected = await call('tessera.introspection.v1.IntrospectionService/Introspect', {
      token: issued.accessToken,
    })
    expect(introspected).toMatchObject({ active: true, clientId: created.client.clientId, scope: 'read' })
  })

  it('shows the typed error of a refusal', async () => {
    const request = JSON.stringify({ client_id: 'nobody' })
    const refused = grpcurl('-d', request, suite.grpcAddress, 'tessera.client.v1.ClientService/GetClient')
    await expect(refused).rejects.toMatchObject({ stderr: expect.stringMatching(/NotFound[\s\S]*not_found/) })
  })
})

describe('buf curl', () => {
  it('calls with nothing but reflection', async () => {
    const method = `http://${suite.grpcAddress}/tessera.introspection.v1.IntrospectionService/Introspect`
    const args = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '-d', '{"token":"nothing"}', method]
    const { stdout } = await execute('buf', args, { env, cwd: root })
    expect(JSON.parse(stdout)).toEqual({})
  })
})
