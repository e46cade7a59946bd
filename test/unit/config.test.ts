// What a configuration may say, and the one line that is told about what it may not.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoadOptions, loadConfig } from '../../services/kit/config/load.js'
import { configSchema, settings } from '../../services/kit/config/schema.js'
import { serviceToken } from '../../services/kit/identity.js'
import { StartupError } from '../../services/kit/startup_error.js'

const secret = 'Zr4u7x!A%D*G-KaPdSgVkYp3s6v9yB'
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function file(yaml: string): string {
  const path = join(folder, `config${files++}.yml`)
  writeFileSync(path, yaml)
  return path
}

const load = (yaml: string, options: Partial<LoadOptions> = {}) =>
  loadConfig({ role: 'all', files: [file(yaml)], environment: {}, ...options })

const development = (yaml: string, options: Partial<LoadOptions> = {}) =>
  load(yaml, { dev: true, developmentSecrets: () => [secret], ...options })

const production = `
dsn: postgres://tessera:x@db.internal:5432/tessera
secrets: { system: ["${secret}"] }
urls: { self: { issuer: https://id.example.com/ }, login: https://app.example.com/login, consent: https://app.example.com/consent }
`

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (thrown) {
    if (!(thrown instanceof StartupError)) throw thrown
    expect(thrown.message).not.toContain('\n')
    return thrown.message
  }
  throw new Error('it was not refused')
}

it('the schema is a JSON Schema, draft 7', () => {
  const ajv = new Ajv()
  ajv.validateSchema({ $schema: 'http://json-schema.org/draft-07/schema#', ...configSchema })
  expect(ajv.errors).toBeNull()
})

describe('values', () => {
  it('takes the defaults where nothing is said', () => {
    const { config, warnings } = development('')
    expect(warnings).toEqual([])
    expect(config.ttl).toMatchObject({ access_token: 3600, refresh_token: 720 * 3600, auth_code: 600 })
    expect(config.serve.public).toMatchObject({ host: '127.0.0.1', port: 4444 })
    expect(config.serve.public.tls).toBeUndefined()
    expect(config.serve.demo.port).toBeUndefined()
    expect(config.urls.self.issuer).toBe('http://127.0.0.1:4444')
    expect(config.oauth2.grant.refresh_token).toEqual({
      rotation_grace_period: 10,
      rotation_grace_reuse_count: 3,
      revoke_access_tokens: false,
      absolute_lifespan: undefined,
    })
    expect(config.introspection.max_staleness_ms).toBe(1000)
    expect(config.secrets).toEqual({ system: [secret], cookie: [secret], pagination: [secret] })
  })

  it('reads durations as Hydra writes them, -1 as never', () => {
    const { ttl } = development('ttl: { access_token: 1h30m, refresh_token: -1, auth_code: 90s }').config
    expect(ttl).toMatchObject({ access_token: 5400, refresh_token: undefined, auth_code: 90 })
    expect(development('ttl: { refresh_token: "-1" }').config.ttl.refresh_token).toBeUndefined()
  })

  it('lets later files win over earlier ones, key by key', () => {
    const files = [file('ttl: { access_token: 2h, id_token: 2h }'), file('ttl: { access_token: 3h }')]
    expect(development('', { files }).config.ttl).toMatchObject({ access_token: 10_800, id_token: 7_200 })
  })

  it('lets the environment win over files, named as Hydra names it', () => {
    const environment = {
      TTL_ACCESS_TOKEN: '5m',
      URLS_SELF_ISSUER: 'https://id.example.com',
      SERVE_PUBLIC_PORT: '8080',
      SERVE_PUBLIC_CORS_ALLOWED_ORIGINS: 'https://a.example, https://b.example',
      SECRETS_SYSTEM: `${secret},${secret}older`,
      DSN: 'postgresql://u:p@h/n',
      OAUTH2_PKCE_ENFORCED: 'true',
      OAUTH2_GRANT_REFRESH_TOKEN_ROTATION_GRACE_REUSE_COUNT: '7',
    }
    const { config } = development('ttl: { access_token: 2h }', { environment })
    expect(config.ttl.access_token).toBe(300)
    expect(config.urls.self).toMatchObject({ issuer: 'https://id.example.com', public: 'https://id.example.com' })
    expect(config.serve.public.port).toBe(8080)
    expect(config.serve.public.cors.allowed_origins).toEqual(['https://a.example', 'https://b.example'])
    expect(config.secrets.system).toEqual([secret, `${secret}older`])
    expect(config.dsn).toBe('postgresql://u:p@h/n')
    expect(config.oauth2.pkce.enforced).toBe(true)
    expect(config.oauth2.grant.refresh_token.rotation_grace_reuse_count).toBe(7)
  })

  it('takes a hook as a URL alone or as a group, and from the environment, as Hydra does', () => {
    const hook = '{ url: "https://a.example/", auth: { type: api_key, config: { in: cookie, name: k, value: v } } }'
    const environment = { OAUTH2_REFRESH_TOKEN_HOOK: 'https://b.example/' }
    const { oauth2 } = development(`oauth2: { token_hook: ${hook} }`, { environment }).config
    expect(oauth2.token_hook).toEqual({
      url: 'https://a.example/',
      auth: { type: 'api_key', config: { in: 'cookie', name: 'k', value: 'v' } },
    })
    expect(oauth2.refresh_token_hook).toMatchObject({ url: 'https://b.example/', auth: { type: '' } })
    const short = development('oauth2: { token_hook: "https://c.example/" }').config
    expect(short.oauth2.token_hook.url).toBe('https://c.example/')
  })

  it('finds the files that TESSERA_CONFIG names', () => {
    const environment = { TESSERA_CONFIG: file('ttl: { id_token: 7m }') }
    expect(development('', { files: [], environment }).config.ttl.id_token).toBe(420)
  })

  it('serves an issuer exactly as given', () => {
    expect(load(production).config.urls.self.issuer).toBe('https://id.example.com/')
  })

  it('names cookies as Hydra does, and in production always makes them Secure', () => {
    expect(development('').config.serve.cookies).toMatchObject({
      secure: false,
      same_site_mode: 'Lax',
      names: { session: 'ory_hydra_session_dev', login_csrf: 'ory_hydra_login_csrf_dev' },
    })
    expect(load(production).config.serve.cookies).toMatchObject({
      secure: true,
      names: { session: 'ory_hydra_session' },
    })
  })

  it('says in every key what it is for, and gives every variable one key', () => {
    expect(settings.filter(({ schema }) => !schema.description)).toEqual([])
    expect(new Set(settings.map(({ variable }) => variable)).size).toBe(settings.length)
  })
})

describe('what is refused, in one line that names the key', () => {
  it.each([
    [
      'ttl: { acess_token: 1h }',
      /^ttl\.acess_token \(config\d+\.yml\) is not a known key: did you mean ttl\.access_token\?$/,
    ],
    ['nonsense: 1', /^nonsense .* is not a known key: remove it/],
    ['ttl: { access_token: 1 hour }', /^ttl\.access_token .*"1 hour" is not a duration: write it as 1h/],
    ['ttl: { access_token: 3600 }', /^ttl\.access_token .*3600 must be text|duration/],
    ['ttl: { access_token: 0s }', /^ttl\.access_token .*must be at least 1s, in whole seconds$/],
    ['ttl: { refresh_token: 1500ms }', /^ttl\.refresh_token .*in whole seconds$/],
    ['ttl: { vc_nonce: 1h }', /^ttl\.vc_nonce \(config\d+\.yml\) cannot be used/],
    [
      'log: { leak_sensitive_values: true }',
      /^log\.leak_sensitive_values .* cannot be used: secrets, codes and tokens/,
    ],
    [
      'oauth2: { session: { encrypt_at_rest: false } }',
      /^oauth2\.session\.encrypt_at_rest .*always sealed; remove it$/,
    ],
    ['serve: { public: { port: 70000 } }', /^serve\.public\.port .*70000 must be <= 65535$/],
    [
      'oauth2: { device_authorization: { user_code: { length: 8 } } }',
      /^oauth2\.device_authorization\.user_code .*needs both length, 6 or more, and character_set/,
    ],
    ['strategies: { access_token: jwe }', /^strategies\.access_token .*"jwe" must be one of opaque, jwt$/],
    ['secrets: { system: [tooshort] }', /^secrets\.system .*fewer than 16 characters: make one with/],
    ['urls: { self: { issuer: "id.example.com" } }', /^urls\.self\.issuer .*is not an issuer/],
    ['urls: { self: { issuer: "https://id.example.com/?a=b" } }', /^urls\.self\.issuer .*without query/],
    ['urls: { login: "javascript:alert(1)" }', /^urls\.login .*is not a URL/],
    ['dsn: mysql://u:p@h/n', /^dsn .*is not a PostgreSQL URL/],
    ['dsn: memory', /^dsn .*is not a PostgreSQL URL/],
    ['ttl: 1h', /^ttl .*must be a group of keys/],
    ['serve: { public: { cors: { enabled: perhaps } } }', /^serve\.public\.cors\.enabled .*must be true or false/],
    [
      'serve: { admin: { cors: { enabled: true, allowed_origins: ["https://*"] } } }',
      /^serve\.admin\.cors\.allowed_origins .*every page/,
    ],
    ['oauth2: { grant: { refresh_token: { rotation_grace_period: 10m } } }', /at most 5m$/],
    ['oauth2: { token_hook: hooks.example }', /^oauth2\.token_hook\.url .*is not a URL/],
    [
      'oauth2: { token_hook: { url: "https://hooks.example", auth: { type: api_key, config: { name: k } } } }',
      /^oauth2\.token_hook\.auth .*needs both oauth2\.token_hook\.auth\.config\.name and/,
    ],
    ['oauth2: { token_hook: { auth: { type: basic } } }', /^oauth2\.token_hook\.auth\.type .*must be one of/],
    [
      'oidc: { subject_identifiers: { supported_types: [public, pairwise], pairwise: { salt: short } } }',
      /^oidc\.subject_identifiers\.pairwise\.salt.*fewer than 8 characters/,
    ],
    [
      `{ oidc: { subject_identifiers: { supported_types: [pairwise], pairwise: { salt: long-enough } } },
         strategies: { access_token: jwt } }`,
      /^strategies\.access_token.*must be opaque where subjects can be pairwise/,
    ],
    ['oidc: { subject_identifiers: { supported_types: [private] } }', /^oidc.*must be one of public, pairwise/],
    ['hsm: { enabled: true }', /^hsm .*not served/],
    ['a: [', /is not YAML/],
    ['just text', /must hold keys/],
    ['serve: { admin: { host: 0.0.0.0 } }', /^serve\.admin\.host .*0\.0\.0\.0 is reachable .*serve\.admin\.tokens/],
    ['serve: { grpc: { host: 0.0.0.0 } }', /^serve\.grpc\.host .*serve\.grpc\.tls/],
    ['serve: { public: { tls: { cert: { path: /nowhere/cert.pem } } } }', /^serve\.public\.tls .*needs both/],
    [
      'serve: { public: { tls: { cert: { path: /nowhere/c }, key: { path: /nowhere/k } } } }',
      /^serve\.public\.tls\.cert\.path: \/nowhere\/c cannot be read \(ENOENT\)$/,
    ],
  ])('%s', (yaml, line) => {
    expect(refusal(() => development(yaml))).toMatch(line)
  })

  it('tells the environment variable that a bad value came from', () => {
    const environment = { TTL_ACCESS_TOKEN: 'soon' }
    expect(refusal(() => development('', { environment }))).toMatch(
      /^ttl\.access_token \(the environment variable TTL_ACCESS_TOKEN\): "soon" is not a duration/,
    )
    expect(refusal(() => development('', { environment: { OAUTH2_TOKEN_HOOK_URL: 'x' } }))).toMatch(
      /OAUTH2_TOKEN_HOOK_URL\): "x" is not a URL/,
    )
    expect(refusal(() => development('', { environment: { SERVE_PUBLIC_PORT: 'http' } }))).toMatch(/a whole number/)
  })

  it('does not show a secret that it refuses', () => {
    expect(refusal(() => development('secrets: { system: [hunter2] }'))).not.toContain('hunter2')
    expect(refusal(() => development('dsn: mysql://u:hunter2@h/n'))).not.toContain('hunter2')
  })

  it('a file that is not there', () => {
    expect(refusal(() => development('', { files: ['/nowhere/tessera.yml'] }))).toMatch(
      /nowhere\/tessera\.yml is not there/,
    )
  })
})

describe('production', () => {
  it.each([
    ['dsn', /^dsn is not set/],
    ['secrets', /^secrets\.system is not set/],
    ['urls', /^urls\.self\.issuer is not set/],
  ])('needs %s', (key, line) => {
    expect(refusal(() => load(production.replace(new RegExp(`^${key}:.*$`, 'm'), '')))).toMatch(line)
  })

  it('needs a login and a consent page', () => {
    expect(refusal(() => load(production.replace(/login: \S+/, '')))).toMatch(/^urls\.login is not set/)
    expect(refusal(() => load(production.replace(/consent: \S+/, '')))).toMatch(/^urls\.consent is not set/)
  })

  it('refuses an http issuer but on the loopback', () => {
    const withIssuer = (issuer: string) => production.replace('https://id.example.com/', issuer)
    expect(refusal(() => load(withIssuer('http://id.example.com')))).toMatch(/must begin with https/)
    expect(refusal(() => load(withIssuer('http://127.evil.example')))).toMatch(/must begin with https/)
    expect(load(withIssuer('http://127.0.0.1:4444')).config.urls.self.issuer).toBe('http://127.0.0.1:4444')
  })

  it('refuses secrets of development mode', () => {
    const yaml = production.replace(secret, `development-only-${secret}`)
    expect(refusal(() => load(yaml))).toMatch(/^secrets\.system .*development mode/)
  })

  it.each([
    'this-is-the-primary-secret',
    'youReallyNeedToChangeThis',
    'at least sixteen characters that nobody can guess',
    'aaaaaaaaaaaaaaaaaaaaaaaa',
  ])('refuses the sample or simple secret %s, which development mode takes with a warning', (sample) => {
    for (const key of ['system', 'cookie', 'pagination']) {
      const secrets = JSON.stringify({ system: [secret], [key]: [sample] })
      const yaml = production.replace(/secrets: .*/, `secrets: ${secrets}`)
      expect(refusal(() => load(yaml))).toMatch(new RegExp(`^secrets\\.${key} .*sample or an all too simple secret`))
    }
    const { warnings } = development(`secrets: { system: ["${sample}"] }`)
    expect(warnings).toContain(
      'secrets.system holds a sample or an all too simple secret, which only development mode takes',
    )
  })

  it('has an admin port beyond the loopback only with tokens', () => {
    const yaml = `${production}\nserve: { admin: { host: 0.0.0.0, tokens: ["${secret}"] } }`
    expect(load(yaml).config.serve.admin.host).toBe('0.0.0.0')
  })

  it('warns of what it leaves out', () => {
    const { warnings } = load(`${production}\ntracing: { provider: jaeger }\nhsm: { enabled: false }`)
    expect(warnings).toEqual([expect.stringMatching(/^tracing .*has no effect/)])
  })
})

describe('one process of many', () => {
  it('needs to know where the services are that it calls', () => {
    expect(refusal(() => load(production, { role: 'token' }))).toMatch(/^services\.client\.address is not set/)
    expect(load(production, { role: 'client' }).config.dsn).not.toBe('')
  })

  it('calls other machines only over TLS', () => {
    const yaml = `${production}\nservices: { client: { address: "dns:///client.internal:4450" } }`
    expect(refusal(() => load(yaml, { role: 'token' }))).toMatch(/set services\.tls/)
    expect(load(yaml.replace('client.internal', '127.0.0.1'), { role: 'token' }).config.dsn).not.toBe('')
  })

  it('the gateway keeps no secret and no database', () => {
    const services = ['client', 'consent', 'token', 'introspection'].map(
      (name) => `${name}: { address: "127.0.0.1:1" }`,
    )
    const yaml = `${production}\nservices: { ${services} }`
    const { config } = load(yaml, { role: 'gateway' })
    expect(config.dsn).toBe('')
    expect(config.secrets).toEqual({ system: [], cookie: [], pagination: [] })
    expect(config.services.credential).toBe(serviceToken([secret], 'gateway'))
    const without = yaml.replace(/^secrets.*$/m, '').replace(/^dsn.*$/m, '')
    expect(refusal(() => load(without, { role: 'gateway' }))).toMatch(/^services\.credential is not set/)
  })
})
