// Where a configuration can come from: YAML, JSON and TOML files over each other, the environment, and files of secrets.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoadOptions, loadConfig } from '../../services/kit/config/load.js'
import { settings } from '../../services/kit/config/schema.js'
import type { Schema } from '../../services/kit/config/schema_parts.js'
import { Sources } from '../../services/kit/config/sources.js'
import { StartupError } from '../../services/kit/startup_error.js'

const secret = 'Zr4u7x!A%D*G-KaPdSgVkYp3s6v9yB'
const other = 'another,secret-with-a-comma-Qx7Lw2'
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-sources-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function file(text: string, ending = 'yml'): string {
  const path = join(folder, `config${files++}.${ending}`)
  writeFileSync(path, text)
  return path
}

const load = (options: Partial<LoadOptions>) =>
  loadConfig({ role: 'all', dev: true, files: [], environment: {}, developmentSecrets: () => [secret], ...options })

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (thrown) {
    if (thrown instanceof StartupError) return thrown.message
    throw thrown
  }
  throw new Error('it was not refused')
}

describe('files', () => {
  it('are YAML, JSON or TOML by their ending, and say the same in each', () => {
    const yaml = file(
      'ttl: { access_token: 5m }\nserve: { public: { port: 4000 } }\noidc: { subject_identifiers: { supported_types: [public] } }\n',
    )
    const json = file(
      '{"ttl":{"access_token":"5m"},"serve":{"public":{"port":4000}},"oidc":{"subject_identifiers":{"supported_types":["public"]}}}',
      'json',
    )
    const toml = file(
      '[ttl]\naccess_token = "5m"\n[serve.public]\nport = 4000\n[oidc.subject_identifiers]\nsupported_types = ["public"]\n',
      'TOML',
    )
    const [first, ...rest] = [yaml, json, toml].map((path) => load({ files: [path] }).config)
    expect(first).toMatchObject({ ttl: { access_token: 300 }, serve: { public: { port: 4000 } } })
    for (const config of rest) expect(config).toEqual(first)
  })

  it('are merged whatever their forms: later ones win, key by key, lists as a whole', () => {
    const first = file(
      'ttl: { access_token: 1m, id_token: 1m, auth_code: 1m }\nsecrets: { system: [first-secret-6Hq2Lz, second-secret-9Wv4Tn] }',
    )
    const second = file('{"ttl":{"id_token":"2m"},"secrets":{"system":["third-secret-3Jk8Rm"]}}', 'json')
    const third = file('[ttl]\nauth_code = "3m"\n', 'toml')
    const { config } = load({ files: [first, second, third] })
    expect(config.ttl).toMatchObject({ access_token: 60, id_token: 120, auth_code: 180 })
    expect(config.secrets.system).toEqual(['third-secret-3Jk8Rm'])
  })

  it('that cannot be read are named with their form', () => {
    expect(refusal(() => load({ files: [file('{"a": ', 'json')] }))).toMatch(
      /^the configuration file .*\.json is not JSON: /,
    )
    expect(refusal(() => load({ files: [file('a = ', 'toml')] }))).toMatch(
      /^the configuration file .*\.toml is not TOML: /,
    )
    expect(refusal(() => load({ files: [file('a: [', 'yaml')] }))).toMatch(
      /^the configuration file .*\.yaml is not YAML: /,
    )
  })

  it('have the mode of a socket in octal, as Hydra reads it', () => {
    const modeOf = (text: string, ending?: string) =>
      load({ files: [file(text, ending)] }).config.serve.public.socket.mode
    expect(modeOf('serve: { public: { socket: { mode: 0770 } } }')).toBe(0o770)
    expect(modeOf('serve: { public: { socket: { mode: 0o770 } } }')).toBe(0o770)
    expect(modeOf('[serve.public.socket]\nmode = 0o770', 'toml')).toBe(0o770)
    expect(modeOf('')).toBe(0o755)
  })

  it('can use the names that Hydra once had or also has', () => {
    const { config } = load({
      files: [
        file(
          `serve: { public: { access_log: { disable_for_health: true }, base_url: "https://a.example" }, admin: { base_url: "https://b.example" } }
oidc: { subject_identifiers: { enabled: [public, pairwise], pairwise: { salt: a-long-salt } } }`,
        ),
      ],
    })
    expect(config.serve.public.request_log.disable_for_health).toBe(true)
    expect(config.serve.admin.request_log.disable_for_health).toBe(false)
    expect(config.urls.self).toMatchObject({ public: 'https://a.example', admin: 'https://b.example' })
    expect(config.oidc.subject_identifiers.supported_types).toEqual(['public', 'pairwise'])
    const both = file(
      'serve: { public: { base_url: "https://a.example" } }\nurls: { self: { public: "https://own.example" } }',
    )
    expect(load({ files: [both] }).config.urls.self.public).toBe('https://own.example')
  })
})

/** A value of a key that is not its default, and as text for a variable. */
function example({ type, enum: values, format, pattern, default: fallback }: Schema): [unknown, string] {
  if (values) {
    const value = (values as string[]).findLast((each) => each !== fallback) ?? ''
    return [value, value]
  }
  if (type === 'boolean') return [fallback !== true, String(fallback !== true)]
  if (type === 'integer') return [77, '77']
  if (type === 'array') return [['one', 'two'], 'one, two']
  if (String(format).startsWith('duration')) return ['77s', '77s']
  if (pattern?.toString().startsWith('^/')) return ['/path', '/path']
  return ['text', 'text']
}

describe('the environment', () => {
  it.each(settings)('$variable says $key', ({ key, variable, schema }) => {
    const [value, text] = example(schema)
    const sources = new Sources()
    sources.addFile(file(''))
    sources.addEnvironment({ [variable]: text })
    expect(sources.get(key)).toEqual(value)
    expect(sources.originOf(key)).toBe(` (the environment variable ${variable})`)
  })

  it('has lists and groups as JSON too', () => {
    const { config } = load({
      environment: {
        SECRETS_SYSTEM: JSON.stringify([secret, other]),
        OAUTH2_TOKEN_HOOK:
          '{"url":"https://a.example/","auth":{"type":"api_key","config":{"in":"header","name":"k","value":"v"}}}',
      },
    })
    expect(config.secrets.system).toEqual([secret, other])
    expect(config.oauth2.token_hook).toEqual({
      url: 'https://a.example/',
      auth: { type: 'api_key', config: { in: 'header', name: 'k', value: 'v' } },
    })
  })

  it('has the older names of keys, and is told of those that are not served', () => {
    const { config, warnings } = load({
      environment: { SERVE_ADMIN_ACCESS_LOG_DISABLE_FOR_HEALTH: 'true', OAUTH2_HASHERS_BCRYPT_COST: '12' },
    })
    expect(config.serve.admin.request_log.disable_for_health).toBe(true)
    expect(warnings).toEqual([
      'oauth2.hashers (the environment variable OAUTH2_HASHERS_BCRYPT_COST) has no effect: how secrets are hashed is not a choice',
    ])
    expect(refusal(() => load({ environment: { LOG_LEAK_SENSITIVE_VALUES: 'true' } }))).toMatch(
      /^log\.leak_sensitive_values \(the environment variable LOG_LEAK_SENSITIVE_VALUES\) cannot be used/,
    )
    expect(load({ environment: { LOG_LEAK_SENSITIVE_VALUES: 'false' } }).warnings).toEqual([])
  })
})

describe('secrets from files', () => {
  it('are named by the variable with _FILE: one a line, the end of the last line left out', () => {
    const { config, files } = load({
      environment: {
        SECRETS_SYSTEM_FILE: file(`${secret}\n${other}\n`, 'txt'),
        DSN_FILE: file('postgres://u:p@h/n\n', 'txt'),
        OIDC_SUBJECT_IDENTIFIERS_PAIRWISE_SALT_FILE: file('a salt of some length', 'txt'),
      },
    })
    expect(config.secrets.system).toEqual([secret, other])
    expect(config.dsn).toBe('postgres://u:p@h/n')
    expect(config.oidc.subject_identifiers.pairwise.salt).toBe('a salt of some length')
    expect(files).toHaveLength(3)
  })

  it('win over configuration files, and are refused beside the variable itself', () => {
    const environment = { SECRETS_SYSTEM_FILE: file(other, 'txt') }
    const files = [file(`secrets: { system: ["${secret}"] }`)]
    expect(load({ files, environment }).config.secrets.system).toEqual([other])
    expect(refusal(() => load({ environment: { ...environment, SECRETS_SYSTEM: secret } }))).toBe(
      'SECRETS_SYSTEM and SECRETS_SYSTEM_FILE are both set: remove one of them',
    )
  })

  it('must be there and good; what is in them is not shown', () => {
    expect(refusal(() => load({ environment: { SECRETS_SYSTEM_FILE: '/nowhere/secret' } }))).toBe(
      'the file of SECRETS_SYSTEM_FILE, /nowhere/secret is not there: give the path of a file that holds the secret',
    )
    const short = refusal(() => load({ environment: { SECRETS_SYSTEM_FILE: file('hunter2', 'txt') } }))
    expect(short).toMatch(/^secrets\.system \(.*SECRETS_SYSTEM_FILE\) holds a secret of fewer than 16 characters/)
    expect(short).not.toContain('hunter2')
  })
})

describe('TLS', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
  const base64 = Buffer.from(pem).toString('base64')
  const tlsOf = (yaml: string) => {
    const { public: open, admin, grpc } = load({ files: [file(yaml)] }).config.serve
    return { public: open, admin, grpc }
  }

  it('is given as files or as base64', () => {
    const path = file(pem, 'pem')
    const { public: open } = tlsOf(
      `serve: { public: { tls: { cert: { path: ${path} }, key: { base64: ${base64} } } } }`,
    )
    expect(open.tls).toEqual({ cert: path, key: pem, ca: '' })
    expect(
      refusal(() => tlsOf(`serve: { public: { tls: { cert: { path: ${path} }, key: { base64: "bm8=" } } } }`)),
    ).toMatch(/^serve\.public\.tls\.key\.base64 \(config\d+\.yml\): is not a PEM text in base64$/)
  })

  it('serve.tls is that of both HTTP ports, where they say nothing themselves', () => {
    const common = `cert: { base64: ${base64} }, key: { base64: ${base64} }`
    const own = file(pem, 'pem')
    const served = tlsOf(`serve: { tls: { ${common} }, public: { tls: { cert: { path: ${own} } } } }`)
    expect(served.public.tls).toEqual({ cert: own, key: pem, ca: '' })
    expect(served.admin.tls).toEqual({ cert: pem, key: pem, ca: '' })
    expect(served.grpc.tls).toBeUndefined()
    const without = tlsOf(`serve: { tls: { ${common} }, admin: { tls: { enabled: false } } }`)
    expect(without.public.tls).toBeDefined()
    expect(without.admin.tls).toBeUndefined()
    expect(tlsOf(`serve: { tls: { enabled: false, ${common} } }`).public.tls).toBeUndefined()
  })

  it('allow_termination_from means plain HTTP from those networks, as for Hydra', () => {
    const networks = '[10.0.0.0/8, "fd00::/8"]'
    const common = `cert: { base64: ${base64} }, key: { base64: ${base64} }`
    const served = tlsOf(`serve: { tls: { ${common} }, public: { tls: { allow_termination_from: ${networks} } } }`)
    expect(served.public).toMatchObject({ tls: undefined, terminationFrom: ['10.0.0.0/8', 'fd00::/8'] })
    expect(served.admin).toMatchObject({ terminationFrom: [] })
    expect(served.admin.tls).toBeDefined()
    for (const wrong of ['10.0.0.0', '10.0.0.0/33', 'example.com/8', '::/129'])
      expect(refusal(() => tlsOf(`serve: { tls: { allow_termination_from: ["${wrong}"] } }`))).toMatch(
        /^serve\.tls\.allow_termination_from .*is not a network: write it as 10\.0\.0\.0\/8/,
      )
  })
})
