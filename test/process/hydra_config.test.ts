// An operator's hydra.yml starts this server as it is: Ory's quickstart, one of production, one of v1.10. Only the database
// and the ports are others. What it logs of requests.
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { freePorts } from '../support/ports.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'
import { type Program, startProgram } from '../support/program.js'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/hydra/${name}`, import.meta.url))

interface Server {
  readonly program: Program
  readonly publicUrl: string
  readonly adminUrl: string
}

let database: FreshDatabase | undefined
let running: Program | undefined

async function start(args: readonly string[], environment: Record<string, string> = {}): Promise<Server> {
  database = await freshDatabase()
  const [publicPort, adminPort, grpcPort] = await freePorts(3)
  running = await startProgram(['serve', 'all', ...args], {
    DSN: database.dsn,
    SERVE_PUBLIC_PORT: `${publicPort}`,
    SERVE_ADMIN_PORT: `${adminPort}`,
    SERVE_GRPC_PORT: `${grpcPort}`,
    ...environment,
  })
  await running.until(/^ready/m)
  return {
    program: running,
    publicUrl: `http://127.0.0.1:${publicPort}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
  }
}

afterEach(async () => {
  running?.child.kill('SIGTERM')
  await running?.ended
  await database?.drop()
})

const json = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe("an operator's hydra.yml", { timeout: 60_000 }, () => {
  it("Ory's quickstart: starts with --dev and says what may not go to production", async () => {
    const { program, publicUrl } = await start(['--dev', '-c', fixture('quickstart.yml')])
    const { body } = await json(`${publicUrl}/.well-known/openid-configuration`)
    expect(body).toMatchObject({
      issuer: 'http://127.0.0.1:4444',
      subject_types_supported: ['public', 'pairwise'],
    })
    expect(program.stderr()).toMatch(/secrets\.system holds a sample or an all too simple secret/)
  })

  it('production: behind a proxy that ends TLS, with several secrets', async () => {
    const { program, publicUrl, adminUrl } = await start(['-c', fixture('production.yml')])
    const proxied = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9, 198.51.100.7' }
    expect(await json(`${publicUrl}/.well-known/openid-configuration`)).toMatchObject({ status: 403 })
    const { body } = await json(`${publicUrl}/.well-known/openid-configuration?code=never-logged`, proxied)
    expect(body).toMatchObject({
      issuer: 'https://id.example.com/',
      claims_supported: expect.arrayContaining(['sub', 'email', 'name']),
      scopes_supported: expect.arrayContaining(['openid', 'email', 'profile']),
    })
    expect((await fetch(`${publicUrl}/health/ready`)).status).toBe(200)
    await fetch(`${adminUrl}/version`, { headers: { ...proxied, 'x-request-id': 'the-last' } })
    await program.until(/"requestId":"the-last"/)

    const lines = program
      .stderr()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const warnings = lines.filter(({ level }) => level === 40).map(({ msg }) => String(msg).split(' ', 1)[0])
    expect(warnings.toSorted()).toEqual(['cgroups', 'oauth2.hashers', 'sqa', 'tracing', 'version'])
    const requests = lines.filter(({ msg }) => msg === 'request')
    expect(requests.map(({ port, method, path, status }) => ({ port, method, path, status }))).toEqual([
      { port: 'public', method: 'GET', path: '/.well-known/openid-configuration', status: 403 },
      { port: 'public', method: 'GET', path: '/.well-known/openid-configuration', status: 200 },
      { port: 'admin', method: 'GET', path: '/version', status: 200 },
    ])
    expect(requests[0]).toMatchObject({ address: '127.0.0.1', durationMs: expect.any(Number) })
    expect(requests[1]).toMatchObject({ address: '198.51.100.7', requestId: expect.stringMatching(/^[\w-]{36}$/) })
    expect(program.stderr()).not.toContain('never-logged')
  })

  it('v1.10: with its own words, and is told what has no effect', async () => {
    const { program, publicUrl } = await start(['-c', fixture('v1.10.yml')])
    const { body } = await json(`${publicUrl}/.well-known/openid-configuration`)
    expect(body).toMatchObject({
      issuer: 'https://id.example.com/',
      subject_types_supported: ['public', 'pairwise'],
      registration_endpoint: 'https://register.example.com/clients',
    })
    const refused = await fetch(`${publicUrl}/oauth2/token`, { method: 'POST', body: new URLSearchParams() })
    expect(await refused.json()).toMatchObject({ error: 'invalid_request', error_hint: '', status_code: 400 })
    // log.format: text
    expect(program.stderr()).toMatch(
      /^level=warn time=\S+ .*msg="oauth2\.expose_internal_errors \(v1\.10\.yml\) has no effect: /m,
    )
  })
})

describe('serve.*.request_log', { timeout: 60_000 }, () => {
  it('HT-11: a line for each request, health checks too, none of which can look like another line', async () => {
    const { program, publicUrl } = await start(['--dev', '-c', fixture('quickstart.yml')], {
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'text',
    })
    await fetch(`${publicUrl}/health/alive`)
    await fetch(`${publicUrl}/a"b%0Alevel=error=x?login_verifier=a-verifier`, {
      headers: { 'x-request-id': 'not an id', 'user-agent': 'x\tlevel=error' },
    })
    await fetch(`${publicUrl}/version`, { headers: { 'x-request-id': 'the-last' } })
    await program.until(/requestId=the-last/)
    const lines = program
      .stderr()
      .split('\n')
      .filter((line) => line.includes('msg=request'))
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatch(
      /^level=info time=\S+ .*port=public method=GET path=\/health\/alive status=200 durationMs=/,
    )
    expect(lines[1]).toMatch(/path="\/a\\?%?22?.*%0Alevel=error=x" status=404 /)
    expect(program.stderr()).not.toMatch(/^.*level=error(?!=x)/m)
    expect(program.stderr()).not.toContain('a-verifier')
  })
})
