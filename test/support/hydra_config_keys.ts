// Every key of Hydra's configuration: of v26.2 from its schema, with what that takes from other schemas; of v1.10 by what
// has changed since.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Schema {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly allOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
}

const file = fileURLToPath(new URL('../vectors/hydra-config-schema-v26.2.json', import.meta.url))
const hydra: Schema = JSON.parse(readFileSync(file, 'utf8'))

const group = (keys: string): Schema => ({
  properties: Object.fromEntries(keys.split(' ').map((name) => [name, {}])),
})
const pem = group('path base64')
const tls: Schema = { properties: { ...group('enabled allow_termination_from').properties, cert: pem, key: pem } }

/** The schemas of other files that Hydra's refers to. */
const external: Readonly<Record<string, Schema>> = {
  'ory://cors-config': group(
    'enabled allowed_origins allowed_methods allowed_headers exposed_headers allow_credentials options_passthrough max_age debug',
  ),
  'ory://tls-config': tls,
  'ory://serve-config': {
    properties: {
      ...group('base_url host port write_listen_file').properties,
      socket: group('owner group mode'),
      request_log: group('disable_for_health'),
      tls,
    },
  },
}

function resolved(schema: Schema): Schema {
  if (!schema.$ref) return schema
  if (!schema.$ref.startsWith('#/')) return external[schema.$ref] ?? {}
  const path = schema.$ref.slice(2).split('/')
  return resolved(path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], hydra) as Schema)
}

function keysOf(schema: Schema, path: readonly string[] = []): string[] {
  const { allOf = [], oneOf = [], anyOf = [] } = resolved(schema)
  const parts = [schema, ...allOf, ...oneOf, ...anyOf].map(resolved)
  const properties = Object.entries(
    Object.assign({}, ...parts.map((part) => part.properties)) as Record<string, Schema>,
  )
  if (properties.length === 0) return [path.join('.')]
  return properties.flatMap(([name, child]) => keysOf(child, [...path, name]))
}

export const keysOfV26 = keysOf(hydra)

const sinceV1 = [
  'ttl.authentication_session',
  'ttl.device_user_code',
  'clients.http',
  'hsm',
  'oidc.dynamic_client_registration.enabled',
  'urls.registration',
  'urls.device',
  'urls.identity_provider',
  'urls.self.admin',
  'strategies.jwt',
  'oauth2.mirror_top_level_claims',
  'oauth2.preserve_ext_claims',
  'oauth2.hashers.algorithm',
  'oauth2.hashers.pbkdf2',
  'oauth2.grant',
  'oauth2.device_authorization',
  'oauth2.token_hook',
  'serve.cookies.domain',
  'serve.cookies.secure',
  'serve.cookies.names',
  'serve.cookies.paths',
  'serve.public.base_url',
  'serve.public.request_log',
  'serve.public.write_listen_file',
  'serve.admin.base_url',
  'serve.admin.request_log',
  'serve.admin.write_listen_file',
  'secrets.pagination',
  'dev',
  'db.ignore_unknown_table_columns',
  'feature_flags',
  'tracing',
]

const onlyV1 = [
  'oauth2.include_legacy_error_fields',
  'serve.public.access_log.disable_for_health',
  'serve.admin.access_log.disable_for_health',
  'tracing.provider',
  'tracing.service_name',
  'tracing.providers.jaeger.local_agent_address',
  'tracing.providers.jaeger.propagation',
  'tracing.providers.jaeger.max_tag_value_length',
  'tracing.providers.jaeger.sampling.type',
  'tracing.providers.jaeger.sampling.value',
  'tracing.providers.jaeger.sampling.server_url',
  'tracing.providers.zipkin.server_url',
]

export const isBelow = (covering: string, key: string): boolean => key === covering || key.startsWith(`${covering}.`)

export const keysOfV1 = [...keysOfV26.filter((key) => !sinceV1.some((later) => isBelow(later, key))), ...onlyV1]
