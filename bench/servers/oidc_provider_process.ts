// oidc-provider as a process of its own, on the loopback. Its pages of login and consent accept at once, as a login and
// consent app would for Hydra. Arguments: the port, and the database where it is to use one.
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Provider } from 'oidc-provider'
import { clients, secret } from './oidc_provider_clients.js'
import { createPostgresAdapter } from './postgres_adapter.js'

/** As many as a service of Tessera has. */
const maxConnections = 10

const keyPairs = [
  { alg: 'RS256', ...generateKeyPairSync('rsa', { modulusLength: 2048 }) },
  { alg: 'ES256', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
]
const keys = keyPairs.map(({ alg, privateKey }) => ({
  ...privateKey.export({ format: 'jwk' }),
  alg,
  use: 'sig',
  kid: alg,
}))

const resourceServer = (alg: string) => ({
  scope: 'read',
  accessTokenTTL: 3_600,
  accessTokenFormat: 'jwt',
  jwt: { sign: { alg } },
})

const configuration = {
  clients,
  jwks: { keys },
  cookies: { keys: [secret] },
  scopes: ['openid', 'offline_access', 'read'],
  findAccount: (_context: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  pkce: { required: () => true },
  ttl: { AccessToken: 3_600, ClientCredentials: 3_600, Grant: 2_592_000, RefreshToken: 2_592_000, Session: 2_592_000 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (_context: unknown, resource: string) => resourceServer(resource.split(':').at(-1) ?? ''),
    },
  },
}

async function start(port: number, dsn: string | undefined): Promise<void> {
  const issuer = `http://127.0.0.1:${port}`
  const adapter = dsn ? { adapter: await createPostgresAdapter(dsn, maxConnections) } : {}
  const provider = new Provider(issuer, { ...configuration, ...adapter })
  const handle = provider.callback()
  const server = createServer((request, response) => {
    if (request.method === 'POST' && request.url?.startsWith('/interaction/'))
      answerInteraction(provider, request, response).catch((thrown) => {
        response.statusCode = 500
        response.end(String(thrown))
      })
    else handle(request, response)
  })
  // As Tessera does: a connection is not closed under a request.
  server.keepAliveTimeout = 65_000
  server.listen(port, '127.0.0.1', () => process.stdout.write('ready\n'))
}

let subjects = 0

async function answerInteraction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response)
  let result: object
  if (prompt.name === 'login') result = { login: { accountId: `user-${subjects++}`, remember: false } }
  else {
    const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: params.client_id })
    grant.addOIDCScope((prompt.details.missingOIDCScope ?? []).join(' '))
    result = { consent: { grantId: await grant.save() } }
  }
  const location = await provider.interactionResult(request, response, result)
  response.writeHead(303, { location }).end()
}

const [port, dsn] = process.argv.slice(2)
await start(Number(port), dsn)
