// A whole, valid configuration for tests: the defaults, ports of the system's choosing, and what a test says otherwise.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../services/kit/config/config.js'

export type Overrides<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Overrides<T[K]> }
    : T

const cors = {
  enabled: false,
  allowed_origins: ['*'],
  allowed_methods: ['POST', 'GET', 'PUT', 'PATCH', 'DELETE'],
  allowed_headers: ['Authorization', 'Content-Type'],
  exposed_headers: ['Content-Type'],
  allow_credentials: true,
  max_age: 0,
}

const listener = { host: '127.0.0.1', port: 0, tls: undefined }

const defaults: Config = {
  dev: true,
  dataDir: join(tmpdir(), 'tessera-test-data'),
  dsn: '',
  log: { level: 'warn' },
  serve: {
    public: { ...listener, cors },
    admin: { ...listener, cors, tokens: [] },
    grpc: { ...listener, reflection: true },
    demo: { port: 0 },
    cookies: {
      same_site_mode: 'Lax',
      domain: '',
      secure: false,
      names: {
        session: 'ory_hydra_session_dev',
        login_csrf: 'ory_hydra_login_csrf_dev',
        consent_csrf: 'ory_hydra_consent_csrf_dev',
      },
    },
  },
  services: {
    client: { address: '' },
    consent: { address: '' },
    token: { address: '' },
    introspection: { address: '' },
    credential: '',
    tls: undefined,
  },
  urls: {
    self: { issuer: 'http://127.0.0.1:4444', public: 'http://127.0.0.1:4444', admin: 'http://127.0.0.1:4445' },
    login: 'http://127.0.0.1:3000/login',
    consent: 'http://127.0.0.1:3000/consent',
    logout: 'http://127.0.0.1:3000/logout',
    error: '',
    post_logout_redirect: '',
  },
  secrets: {
    system: ['a system secret for the tests alone'],
    cookie: ['a cookie secret for the tests alone'],
    pagination: ['a pagination secret for the tests alone'],
  },
  ttl: {
    login_consent_request: 1_800,
    authentication_session: 2_592_000,
    access_token: 3_600,
    refresh_token: 2_592_000,
    id_token: 3_600,
    auth_code: 600,
  },
  strategies: { access_token: 'opaque', scope: 'wildcard', jwt: { scope_claim: 'list' } },
  oauth2: {
    expose_internal_errors: false,
    include_legacy_error_fields: false,
    exclude_not_before_claim: false,
    allowed_top_level_claims: [],
    mirror_top_level_claims: true,
    preserve_ext_claims: false,
    pkce: { enforced: false, enforced_for_public_clients: false },
    client_credentials: { default_grant_allowed_scope: false },
    grant: {
      refresh_token: {
        rotation_grace_period: 10,
        rotation_grace_reuse_count: 3,
        revoke_access_tokens: true,
        absolute_lifespan: undefined,
      },
    },
  },
  keys: { publish_before_use: 0 },
  introspection: { max_staleness_ms: 1_000 },
  webfinger: { jwks: { broadcast_keys: ['hydra.openid.id-token', 'hydra.jwt.access-token'] } },
  db: { max_connections: 5 },
}

/** The defaults with a test's own values: objects are merged, everything else is replaced. */
export const testConfig = (overrides: Overrides<Config> = {}): Config => merge(defaults, overrides) as Config

function merge(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) merged[key] = key in base ? merge(base[key], value) : value
  return merged
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
