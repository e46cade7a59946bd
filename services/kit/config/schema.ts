// Every key of the configuration: JSON Schema with defaults and descriptions. What is checked, what is filled in and what
// the documentation's table says all come from here. The keys and their meaning are Hydra's where it has them.
import {
  duration,
  endless,
  flag,
  lifespan,
  list,
  object,
  oneOf,
  type Schema,
  secret,
  secretList,
  text,
  url,
  whole,
} from './schema_parts.js'
import { serve, services } from './schema_serve.js'

const urls = object('URLs of pages and of this server.', {
  self: object('This server as others see it.', {
    issuer: text('The issuer, served exactly as given; https in production.', '', { format: 'issuer' }),
    public: url('Where the public port is reached; empty: the issuer.'),
    admin: url('Where the admin port is reached; empty: where it listens.'),
  }),
  login: url('The login page of your login and consent app.'),
  consent: url('Its consent page.'),
  logout: url('Its page that asks before logging out; empty: a page that says so.'),
  registration: url('Its page for end-users who want an account (`prompt=registration`); empty: `urls.login`.'),
  error: url('The page that tells errors; empty: a page of this server.'),
  post_logout_redirect: url(
    'Where end-users go after logout where the client says nothing; empty: a page of this server.',
  ),
  device: object('Pages of the device authorization grant.', {
    verification: url('The page where end-users type the user code; empty: a page that says so.'),
    success: url('The page that ends it; empty: a page of this server.'),
  }),
})

const secretItems = { minLength: 16 }

const secrets = object('Secrets. The first of a list is used, all are accepted.', {
  system: secretList('Seals and signs everything that leaves the server. At least 16 characters each.', secretItems),
  cookie: secretList('Seals cookies; empty: `secrets.system`.', secretItems),
  pagination: secretList('Seals page tokens; empty: `secrets.system`.', secretItems),
})

const ttl = object('Lifespans.', {
  login_consent_request: lifespan('How long an end-user may take to log in and consent.', '30m'),
  authentication_session: lifespan('How long a remembered login lasts at most.', '720h'),
  access_token: lifespan('Access tokens.', '1h'),
  refresh_token: endless('Refresh tokens; each use begins it anew.', '720h'),
  id_token: lifespan('ID tokens.', '1h'),
  auth_code: lifespan('Authorization codes.', '10m'),
  device_user_code: lifespan('Device codes and user codes.', '10m'),
})

const hook = (description: string) =>
  object(description, {
    url: url(description),
    auth: object('How it knows this server.', {
      type: oneOf('`api_key`: by a key; empty: not at all.', '', ['', 'api_key']),
      config: object('The key.', {
        in: oneOf('Where the key is sent.', 'header', ['header', 'cookie']),
        name: text('Name of the header field or cookie.', '', { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]*$" }),
        value: secret('The key.', { pattern: '^[\\x20-\\x7e]*$' }),
      }),
    }),
  })

const oauth2 = object('OAuth 2.0 and OpenID Connect.', {
  include_legacy_error_fields: flag('Adds `error_hint`, `error_debug` and `status_code` as Hydra 1.x did.'),
  exclude_not_before_claim: flag('Leaves `nbf` out of JWT access tokens.'),
  allowed_top_level_claims: list(
    'Claims of `session.access_token` that stand at the top level of JWT access tokens too.',
  ),
  mirror_top_level_claims: flag('Whether those claims also stay in `ext`.', true),
  preserve_ext_claims: flag('Whether the other claims stay in `ext` where mirroring is off.'),
  pkce: object('Proof Key for Code Exchange.', {
    enforced: flag('Whether confidential clients must use it too; public clients always must.'),
  }),
  token_hook: hook('Asked before tokens are issued, for other claims or a refusal; the URL may be the whole value.'),
  refresh_token_hook: hook('Asked at a refresh, before `oauth2.token_hook`; the URL may be the whole value.'),
  client_credentials: object('The client credentials grant.', {
    default_grant_allowed_scope: flag("Whether a request without a scope is given all of the client's."),
  }),
  device_authorization: object('The device authorization grant.', {
    token_polling_interval: duration('How often a device may poll; whoever polls faster is slowed down.', '5s', {
      durationMinimum: 1,
      durationMaximum: 300,
    }),
    user_code: object('What end-users type.', {
      entropy_preset: oneOf('10 letters, 8 letters or 9 digits.', 'medium', ['high', 'medium', 'low']),
      length: whole('Characters; 0: as the preset says. At least 6.', 0, { maximum: 32 }),
      character_set: text('The characters to choose from, together with the length. At least 8.', '', {
        maxLength: 64,
      }),
    }),
  }),
  grant: object('Grants.', {
    jwt: object('The JWT bearer grant.', {
      jti_optional: flag('Whether assertions may lack `jti`; such a one can be used again and again.'),
      iat_optional: flag('Whether assertions may lack `iat`.'),
      max_ttl: duration('How long an assertion may be good for.', '720h'),
      omit_assertion_audience: flag('Whether the audience of the assertion stays out of the access token.', true),
    }),
    refresh_token: object('The refresh token grant.', {
      rotation_grace_period: duration(
        'How long after its use a refresh token still gets the same successor, for clients that lost the answer.',
        '10s',
        { durationMaximum: 300 },
      ),
      rotation_grace_reuse_count: whole('How often within that period; 0: as often as it allows.', 3),
      revoke_access_tokens: flag('Whether a refresh revokes the access tokens issued before.'),
      absolute_lifespan: endless('The end of a grant, however often it is refreshed.', '-1'),
    }),
  }),
})

const properties = {
  dev: flag('Development mode: made-up secrets, an embedded database, a demo, plain HTTP. Never for production.'),
  dsn: secret(
    'The PostgreSQL database, `postgres://user:password@host:5432/name`; empty in development: an embedded one.',
    { format: 'dsn' },
  ),
  log: object('The log.', {
    level: {
      type: 'string',
      description: 'How much is logged; without a word `info`, in development `warn`.',
      enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'panic', 'silent'],
    },
    format: oneOf('How it is written: JSON lines, the same over several lines, or `key=value`.', 'json', [
      'json',
      'json_pretty',
      'text',
    ]),
  }),
  serve,
  services,
  urls,
  secrets,
  ttl,
  strategies: object('Ways of doing things.', {
    access_token: oneOf('The form of access tokens.', 'opaque', ['opaque', 'jwt']),
    scope: oneOf('How a granted scope covers a requested one.', 'wildcard', [
      'wildcard',
      'exact',
      'DEPRECATED_HIERARCHICAL_SCOPE_STRATEGY',
    ]),
    jwt: object('JWT access tokens.', {
      scope_claim: oneOf('The claim with the scope: `scp` as a list, `scope` as a string, or both.', 'list', [
        'list',
        'string',
        'both',
      ]),
    }),
  }),
  oauth2,
  keys: object('Signing keys.', {
    publish_before_use: duration('How long a new key is published before it signs.', '1h'),
  }),
  clients: object('Addresses that clients name.', {
    http: object('How they are called.', {
      disallow_private_ip_ranges: flag('Whether addresses that are not public are refused.', true),
      private_ip_exception_urls: list('URLs that may be private nevertheless; `*` stands for any characters.'),
    }),
  }),
  introspection: object('The introspection service.', {
    max_staleness: duration('How far an answer from memory may be behind; beyond it the token service is asked.', '1s'),
  }),
  oidc: object('OpenID Connect.', {
    subject_identifiers: object('How clients see the subjects of end-users.', {
      supported_types: list('The types that clients may register: `public`, `pairwise`.', ['public'], {
        enum: ['public', 'pairwise'],
      }),
      pairwise: object('A subject of its own for each sector.', {
        salt: secret('Keeps pairwise subjects from being computed by others; at least 8 characters, never to change.'),
      }),
    }),
    dynamic_client_registration: object('Clients that register themselves.', {
      enabled: flag('Whether they may, at `/oauth2/register`.'),
      default_scope: list('Scopes of clients that name none.', ['offline_access', 'offline', 'openid']),
      allowed_grant_types: list(
        'Grant types that they may register. Where no end-user is asked, they get no scope beyond `default_scope`.',
        ['authorization_code', 'implicit', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      ),
      max_requests_per_hour: whole(
        'How often one address may register clients, and how often change them, at each worker of each gateway; 0: no limit. Whoever comes through one proxy counts as one, unless `serve.tls.allow_termination_from` names it.',
        60,
      ),
    }),
  }),
  webfinger: object('Discovery.', {
    jwks: object('The published keys.', {
      broadcast_keys: list('Key sets that are published; those that sign tokens always are.', [
        'hydra.openid.id-token',
      ]),
    }),
    oidc_discovery: object('What metadata says otherwise than is served here.', {
      auth_url: url('The authorization endpoint.'),
      token_url: url('The token endpoint.'),
      jwks_url: url('Where the keys are.'),
      userinfo_url: url('The userinfo endpoint.'),
      device_authorization_url: url('The device authorization endpoint.'),
      client_registration_url: url('The registration endpoint.'),
      supported_claims: list('More claims that ID tokens can have.'),
      supported_scope: list('More scopes that can be asked for.'),
    }),
  }),
  db: object('The database.', {
    max_connections: whole('Connections at most, of each service; its workers share them, at least two each.', 10, {
      minimum: 1,
      maximum: 1_000,
    }),
  }),
} satisfies Record<string, Schema>

export const configSchema: Schema = {
  type: 'object',
  description: 'The configuration of Tessera.',
  properties,
  additionalProperties: false,
}

/** What Hydra and this server take up only at a start; the rest is taken up while it runs. */
const restarting = ['dev', 'dsn', 'log', 'serve', 'services', 'db']

export interface Setting {
  /** With dots between its parts. */
  readonly key: string
  /** The environment variable that overrides it. */
  readonly variable: string
  readonly schema: Schema
  /** A change of it waits for the next start. */
  readonly restart: boolean
}

/** All keys that hold a value, in the schema's order. */
export const settings: readonly Setting[] = settingsOf(configSchema, [])

function settingsOf(schema: Schema, path: readonly string[]): Setting[] {
  if (!schema.properties) {
    const restart = restarting.includes(path[0] ?? '') && path.join('.') !== 'services.credential'
    return [{ key: path.join('.'), variable: path.join('_').toUpperCase(), schema, restart }]
  }
  return Object.entries(schema.properties).flatMap(([name, child]) => settingsOf(child, [...path, name]))
}
