// The token service with the client service behind it, one or more instances of it on a database of its own, as the tests
// call it.
import { createHash } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, type JWK } from 'jose'
import pg from 'pg'
import type { ClientServiceService } from '#proto/client/v1/client_service.js'
import { AccessToken } from '#proto/token/v1/access_token.js'
import type { KeyServiceService } from '#proto/token/v1/key_service.js'
import type { RevocationServiceService } from '#proto/token/v1/revocation_service.js'
import { type IssueTokenResponse, StartGrantRequest, type TokenServiceService } from '#proto/token/v1/token_service.js'
import type { Config } from '../../services/kit/config/config.js'
import { newUuid, timeOfId, uuidFromBytes } from '../../services/kit/random.js'
import type { Caller, Remote, Service, ServiceDefinition } from '../../services/kit/rpc/contract.js'
import { inProcess } from '../../services/kit/rpc/in_process.js'
import { Sealer } from '../../services/kit/sealing.js'
import { createTokenService } from '../../services/token/main.js'
import { basic, type Clients, register, startClientService } from './client_service.js'
import { type Overrides, testConfig } from './config.js'
import { freshDatabase } from './postgres.js'

export interface TokenInstance {
  /** As the gateway sees it. */
  readonly tokens: Remote<typeof TokenServiceService>
  readonly asConsent: Remote<typeof TokenServiceService>
  readonly asIntrospection: Remote<typeof TokenServiceService>
  readonly keys: Remote<typeof KeyServiceService>
  readonly revocations: Remote<typeof RevocationServiceService>
  stop(): Promise<void>
}

export interface TokenServices {
  readonly config: Config
  readonly clients: Clients
  readonly instances: readonly TokenInstance[]
  /** The first instance. */
  readonly one: TokenInstance
  readonly database: pg.Pool
  /** Another instance on the same database, under another configuration if need be. */
  add(overrides?: Overrides<Config>): Promise<TokenInstance>
  stop(): Promise<void>
}

/** `oauth2.grant.refresh_token` is as it is by default. */
export async function startTokenServices(overrides: Overrides<Config> = {}, count = 1): Promise<TokenServices> {
  const fresh = await freshDatabase()
  const config = testConfig({ ...overrides, dsn: fresh.dsn })
  const client = await startClientService(fresh.dsn)
  const database = new pg.Pool({ connectionString: fresh.dsn, options: '-c search_path=token,public', max: 4 })
  const instances: TokenInstance[] = []
  const add = async (more: Overrides<Config> = {}): Promise<TokenInstance> => {
    const instance = await startInstance(testConfig({ ...overrides, ...more, dsn: fresh.dsn }), client.service)
    instances.push(instance)
    return instance
  }
  await Promise.all(Array.from({ length: count }, () => add()))
  return {
    config,
    clients: client.clients,
    instances,
    one: instances[0] as TokenInstance,
    database,
    add,
    stop: async () => {
      await Promise.all(instances.map((instance) => instance.stop()))
      await client.running.stop()
      await database.end()
      await fresh.drop()
    },
  }
}

async function startInstance(config: Config, clients: Service<typeof ClientServiceService>): Promise<TokenInstance> {
  const running = createTokenService(config, { clients: inProcess(clients, 'token') })
  await running.start()
  const as = <D extends ServiceDefinition>(index: number, caller: Caller) =>
    inProcess(running.services[index] as unknown as Service<D>, caller)
  return {
    tokens: as<typeof TokenServiceService>(0, 'gateway'),
    asConsent: as<typeof TokenServiceService>(0, 'consent'),
    asIntrospection: as<typeof TokenServiceService>(0, 'introspection'),
    keys: as<typeof KeyServiceService>(1, 'operator'),
    revocations: as<typeof RevocationServiceService>(2, 'introspection'),
    stop: () => running.stop(),
  }
}

export interface TestClient {
  readonly clientId: string
  readonly registrationId: string
  readonly secret: string
}

/** A confidential client that may do everything, or what the test says. */
export async function registerClient(
  { clients }: Pick<TokenServices, 'clients'>,
  metadata: Parameters<typeof register>[1] = {},
): Promise<TestClient> {
  const { client, clientSecret } = await register(clients, {
    redirectUris: ['https://app.test/cb'],
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    responseTypes: ['code'],
    scope: 'openid offline_access photos.read photos.write',
    audience: ['https://api.test/photos'],
    ...metadata,
  })
  return { clientId: client.clientId, registrationId: client.registrationId, secret: clientSecret }
}

/** What a client shows of itself: by Basic, or its id alone where it has no secret. */
export const credentialsOf = ({ clientId, secret }: TestClient, secretInstead?: string) => {
  const shown = secretInstead ?? secret
  return {
    authorization: shown ? basic(clientId, shown) : '',
    clientId: shown ? '' : clientId,
    clientSecret: '',
    clientAssertionType: '',
    clientAssertion: '',
  }
}

export const redirectUri = 'https://app.test/cb'
export const codeVerifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
export const codeChallenge = createHash('sha256').update(codeVerifier).digest()

/** Begins a grant as the consent service does; returns the code. */
export async function startGrant(
  instance: TokenInstance,
  client: TestClient,
  request: Partial<StartGrantRequest> = {},
): Promise<{ code: string; grantId: string }> {
  const grantId = request.grantId ?? newUuid()
  const { parameters } = await instance.asConsent.startGrant(
    StartGrantRequest.fromPartial({
      grantId,
      clientId: client.clientId,
      registrationId: client.registrationId,
      subject: 'alice',
      responseType: 'code',
      redirectUri,
      codeChallenge,
      scope: ['openid', 'offline_access', 'photos.read'],
      ...request,
    }),
  )
  return { code: parameters.code ?? '', grantId }
}

/** Calls the token endpoint. */
export const issue = (
  instance: TokenInstance,
  client: TestClient,
  grantType: string,
  parameters: Record<string, string> = {},
  credentials = credentialsOf(client),
): Promise<IssueTokenResponse> => instance.tokens.issueToken({ grantType, parameters, credentials })

export const redeem = (
  instance: TokenInstance,
  client: TestClient,
  code: string,
  parameters: Record<string, string> = {},
): Promise<IssueTokenResponse> =>
  issue(instance, client, 'authorization_code', {
    code,
    redirect_uri: redirectUri,
    code_verifier: codeVerifier,
    ...parameters,
  })

export const refresh = (
  instance: TokenInstance,
  client: TestClient,
  refreshToken: string,
  parameters: Record<string, string> = {},
): Promise<IssueTokenResponse> =>
  issue(instance, client, 'refresh_token', { refresh_token: refreshToken, ...parameters })

/** Starts a grant and redeems its code. */
export async function authorize(
  instance: TokenInstance,
  client: TestClient,
  request: Partial<StartGrantRequest> = {},
): Promise<IssueTokenResponse & { grantId: string }> {
  const { code, grantId } = await startGrant(instance, client, request)
  return { ...(await redeem(instance, client, code)), grantId }
}

/** What an opaque access token says. */
export function openAccessToken(config: Config, token: string): AccessToken {
  const sealed = Buffer.from(token.slice('tsr_at_'.length), 'base64url')
  const opened = new Sealer(config.secrets.system).open('access token', sealed)
  if (!opened) throw new Error('it is no access token')
  return AccessToken.decode(opened)
}

/** Whether the log says that an access token, opaque or JWT, was revoked. */
export async function isRevoked(
  { config }: Pick<TokenServices, 'config'>,
  instance: TokenInstance,
  token: string,
): Promise<boolean> {
  const question = token.includes('.') ? aboutJwt(token) : aboutOpaque(openAccessToken(config, token))
  return (await instance.revocations.checkRevocation(question)).revoked
}

const aboutOpaque = ({ tokenId, grantId, clientId, subject }: AccessToken) => ({
  tokenId: uuidFromBytes(tokenId),
  grantId: grantId.length > 0 ? uuidFromBytes(grantId) : '',
  clientId,
  subject,
  issuedAtMs: timeOfId(tokenId),
  registrationId: '',
})

function aboutJwt(token: string) {
  const { jti = '', gid, client_id, sub = '' } = decodeJwt(token)
  const issuedAtMs = Number.parseInt(jti.replaceAll('-', '').slice(0, 12), 16)
  const ids = { tokenId: jti, grantId: String(gid ?? ''), registrationId: '' }
  return { ...ids, clientId: String(client_id), subject: sub, issuedAtMs }
}

export interface StatementCount {
  readonly statements: number
  readonly rows: number
  readonly texts: readonly string[]
}

/** What the database was asked on behalf of the work, by PostgreSQL's own count; background statements are left out. */
export async function countStatements(database: pg.Pool, work: () => Promise<unknown>): Promise<StatementCount> {
  const read = `SELECT query, calls::int, rows::int FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND query NOT LIKE '%background%' AND query NOT LIKE '%pg_stat_statements%'`
  const before = new Map((await database.query(read)).rows.map((row) => [row.query, row]))
  await work()
  const changed = (await database.query(read)).rows
    .map(({ query, calls, rows }) => {
      const earlier = before.get(query)
      return { query: String(query), calls: calls - (earlier?.calls ?? 0), rows: rows - (earlier?.rows ?? 0) }
    })
    .filter(({ calls }) => calls > 0)
  const sum = (key: 'calls' | 'rows') => changed.reduce((total, row) => total + row[key], 0)
  return { statements: sum('calls'), rows: sum('rows'), texts: changed.map(({ query }) => query) }
}

/** What `/.well-known/jwks.json` shows, as a key resolver for jose. */
export async function publishedKeys({ keys }: Pick<TokenInstance, 'keys'>) {
  const { keySets } = await keys.getPublishedKeys({})
  return createLocalJWKSet({ keys: keySets.flatMap((set) => set.keys.map(({ jwk }) => jwk as JWK)) })
}
