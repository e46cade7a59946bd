// The keys of what is listened on, and of how the processes reach each other.
import { flag, list, object, oneOf, type Schema, secret, secretList, text, whole } from './schema_parts.js'

const pem = (what: string) =>
  object(`The ${what}.`, {
    path: text(`PEM file with the ${what}.`),
    base64: secret(`The PEM text itself, in base64; instead of the file.`, { format: 'base64' }),
  })

const certificate = {
  cert: pem('certificate and its chain'),
  key: pem('private key'),
  ca: object('The other side.', { path: text('PEM file with the authority that the other side must come from.') }),
}

const terminationFrom = list(
  'Networks (`10.0.0.0/8`) whose proxies end TLS: plain HTTP is listened on, and requests must come from there with `X-Forwarded-Proto: https`.',
  [],
  { format: 'network' },
)

const enabled = flag('False switches TLS off where a certificate is given.', true)

/** TLS of an HTTP port; what it leaves out is taken from `serve.tls`. */
const httpTls = (of: string) =>
  object(`TLS of ${of}.`, {
    enabled: { type: 'boolean', description: 'False switches TLS off here; without a word as `serve.tls` says.' },
    ...certificate,
    allow_termination_from: terminationFrom,
  })

const rpcTls = (of: string) => object(`TLS of ${of}.`, { enabled, ...certificate })

const cors = (of: string, origins: Schema) =>
  object(`CORS on the ${of} port.`, {
    enabled: flag('Whether pages of other origins may read answers.'),
    allowed_origins: origins,
    allowed_methods: list('Methods that may be used.', ['POST', 'GET', 'PUT', 'PATCH', 'DELETE']),
    allowed_headers: list('Headers that may be sent.', ['Authorization', 'Content-Type']),
    exposed_headers: list('Headers that may be read.', ['Content-Type']),
    allow_credentials: flag('Whether cookies may be sent; never together with all origins.', true),
    max_age: whole('Seconds that a browser may keep the answer to a preflight.', 0),
  })

const host = (fallback: string, more = '') =>
  text(`The address to listen on, or \`unix:\` and the path of a socket${more}.`, fallback)
const port = (fallback: number) => whole('The port to listen on; 0: any free one.', fallback, { maximum: 65_535 })

const socket = object('The file of a Unix socket.', {
  owner: text('The user that owns it, by name or number; empty: the one that the server runs as.'),
  group: text('Its group, by name or number; empty: the one that the server runs as.'),
  mode: whole('Who may connect: its mode, `0755` in YAML.', 0o755, { maximum: 0o777 }),
})

const requestLog = object('One line of the log for each request, at level `info`.', {
  disable_for_health: flag('Leaves out `/health/alive` and `/health/ready`.'),
})

const listenFile = text('A file that the address is written to once it is listened on.')

export const serve = object('What is listened on.', {
  public: object('The public endpoints of OAuth and OpenID Connect.', {
    host: host('', '; empty: all, in development the loopback'),
    port: port(4444),
    socket,
    tls: httpTls('the public port'),
    cors: cors(
      'public',
      list(
        'Origins that may, beside those that a client has registered for itself; `*` in a host stands for any part, `*` alone for all.',
        ['*'],
      ),
    ),
    request_log: requestLog,
    write_listen_file: listenFile,
  }),
  admin: object("Hydra's admin API.", {
    host: host('127.0.0.1'),
    port: port(4445),
    socket,
    tls: httpTls('the admin port'),
    cors: cors(
      'admin',
      list('Origins that may use the admin API, each with its host; `*` in a host stands for a part of it.', []),
    ),
    request_log: requestLog,
    write_listen_file: listenFile,
    tokens: secretList('Bearer tokens that callers must show one of; needed where it listens beyond the loopback.', {
      minLength: 16,
    }),
  }),
  tls: object('TLS of the public and the admin port, where they say nothing themselves.', {
    enabled,
    ...certificate,
    allow_termination_from: terminationFrom,
  }),
  grpc: object('The gRPC services.', {
    host: host('127.0.0.1'),
    port: port(4450),
    socket,
    tls: rpcTls('the gRPC port'),
    reflection: {
      type: 'boolean',
      description: 'Whether `grpcurl` and others may ask what is served; on in development.',
    },
  }),
  drain: {
    type: 'string',
    format: 'duration',
    description:
      'How long requests are still taken after the signal to end, while `/health/ready` says no and load balancers turn away; without a word `1s`, in development none.',
  },
  demo: object('The login, consent and client demo of development mode.', {
    port: {
      type: 'integer',
      description: 'Its port; without one, 4446 or else any free one.',
      minimum: 0,
      maximum: 65_535,
    },
  }),
  cookies: object('Cookies of the end-user.', {
    same_site_mode: oneOf('The SameSite attribute.', 'Lax', ['Strict', 'Lax', 'None']),
    domain: text('The Domain attribute; empty: the host alone.'),
    secure: flag('Whether cookies are Secure in development too; in production they always are.'),
    names: object('Names of cookies; development adds `_dev`.', {
      session: text('The login session.', 'ory_hydra_session', { minLength: 1 }),
      login_csrf: text('Ties a login to its browser.', 'ory_hydra_login_csrf', { minLength: 1 }),
      consent_csrf: text('Ties a consent to its browser.', 'ory_hydra_consent_csrf', { minLength: 1 }),
      device_csrf: text('Ties the verification of a user code to its browser.', 'ory_hydra_device_csrf', {
        minLength: 1,
      }),
    }),
    paths: object('Paths of cookies.', {
      session: text('The Path attribute of the login session.', '/', { pattern: '^/[\\x21-\\x3a\\x3c-\\x7e]*$' }),
    }),
  }),
})

const address = (service: string) =>
  object(`The ${service} service.`, {
    address: text('Where it is, `host:port` or a gRPC name such as `dns:///name:4450`.'),
  })

export const services = object('How the processes reach each other where they are several.', {
  client: address('client'),
  consent: address('consent'),
  token: address('token'),
  introspection: address('introspection'),
  credential: secret('The service token that this process shows, where it has no `secrets.system` to derive it from.'),
  tls: rpcTls(
    'calls to the services: with `ca` the services are verified, with `cert` and `key` this process shows itself',
  ),
})
