// The client, token and introspection services in this process on a database of their own, as they see each other over
// lines that a test can cut, and the ways to get a token from them.
import pg from 'pg'
import { Client, ClientServiceService } from '#proto/client/v1/client_service.js'
import {
  Consistency,
  IntrospectionServiceService,
  type IntrospectRequest,
  type IntrospectResponse,
} from '#proto/introspection/v1/introspection_service.js'
import { KeyServiceService } from '#proto/token/v1/key_service.js'
import { RevocationServiceService } from '#proto/token/v1/revocation_service.js'
import { type IssueTokenResponse, StartGrantRequest, TokenServiceService } from '#proto/token/v1/token_service.js'
import { createClientService } from '../../services/client/main.js'
import { createIntrospectionService, type IntrospectionServicePeers } from '../../services/introspection/main.js'
import { nowSeconds } from '../../services/kit/clock.js'
import type { Config } from '../../services/kit/config/config.js'
import { newUuid } from '../../services/kit/random.js'
import type { Caller, Remote, ServiceDefinition } from '../../services/kit/rpc/contract.js'
import { inProcess } from '../../services/kit/rpc/in_process.js'
import type { RunningService } from '../../services/kit/service.js'
import { createTokenService } from '../../services/token/main.js'
import { type Overrides, testConfig } from './config.js'
import { eventually } from './eventually.js'
import { Link } from './link.js'
import { freshDatabase } from './postgres.js'

/** One of the services that a running service serves. */
function remoteOf<D extends ServiceDefinition>(running: RunningService, definition: D, caller: Caller): Remote<D> {
  const service = running.services.find((candidate) => candidate.definition === definition)
  if (!service) throw new Error('it does not serve that')
  return inProcess(service, caller) as unknown as Remote<D>
}

export interface Registered {
  readonly client: Client
  readonly authorization: string
}

/** What the end-user granted, as far as it matters. */
export interface Authorization {
  readonly subject?: string
  readonly scope?: readonly string[]
  readonly audience?: readonly string[]
  readonly claims?: Record<string, unknown>
  readonly loginSessionId?: string
}

const redirectUri = 'https://app.example/callback'

export class TokenSuite {
  readonly config: Config
  readonly clients: Remote<typeof ClientServiceService>
  readonly tokens: Remote<typeof TokenServiceService>
  readonly keys: Remote<typeof KeyServiceService>
  readonly introspection: Remote<typeof IntrospectionServiceService>
  readonly running: {
    readonly client: RunningService
    readonly token: RunningService
    readonly introspection: RunningService
  }
  /** The lines on which the introspection service asks. */
  readonly links: ReturnType<typeof linksTo>
  readonly #drop: () => Promise<void>
  #restarted: RunningService | undefined
  readonly #tokensForConsent: Remote<typeof TokenServiceService>

  private constructor(config: Config, drop: () => Promise<void>) {
    this.config = config
    this.#drop = drop
    const client = createClientService(config, {})
    const token = createTokenService(config, { clients: remoteOf(client, ClientServiceService, 'token') })
    this.links = linksTo(client, token)
    const introspection = createIntrospectionService(config, this.peers)
    this.running = { client, token, introspection }
    this.clients = remoteOf(client, ClientServiceService, 'operator')
    this.tokens = remoteOf(token, TokenServiceService, 'gateway')
    this.#tokensForConsent = remoteOf(token, TokenServiceService, 'consent')
    this.keys = remoteOf(token, KeyServiceService, 'operator')
    this.introspection = remoteOf(introspection, IntrospectionServiceService, 'resource_server')
  }

  static async start(overrides: Overrides<Config> = {}): Promise<TokenSuite> {
    const database = await freshDatabase()
    const suite = new TokenSuite(testConfig({ ...overrides, dsn: database.dsn }), database.drop)
    for (const service of Object.values(suite.running)) await service.start()
    await suite.ready()
    return suite
  }

  get peers(): IntrospectionServicePeers {
    const { clients, tokens, keys, revocations } = this.links
    return { clients: clients.remote, tokens: tokens.remote, keys: keys.remote, revocations: revocations.remote }
  }

  /** How many grants of a registration are in the database. */
  async countGrants(registrationId: string): Promise<number> {
    const client = new pg.Client({ connectionString: this.config.dsn })
    await client.connect()
    const { rows } = await client.query('SELECT count(*)::int FROM token."grant" WHERE registration_id = $1', [
      registrationId,
    ])
    await client.end()
    return rows[0].count
  }

  /** Ends the token service, does the work, and starts another one; those who ask go on asking the old one. */
  async restartTokenService(meanwhile: () => Promise<void>): Promise<void> {
    await this.running.token.stop()
    await meanwhile()
    const clients = remoteOf(this.running.client, ClientServiceService, 'token')
    this.#restarted = createTokenService(this.config, { clients })
    await this.#restarted.start()
  }

  /** When introspection answers from memory. */
  ready(): Promise<void> {
    return eventually(() => this.running.introspection.ready())
  }

  async stop(): Promise<void> {
    for (const link of Object.values(this.links)) link.mend()
    const { client, token, introspection } = this.running
    await introspection.stop()
    await (this.#restarted ?? token).stop()
    await client.stop()
    await this.#drop()
  }

  async register(metadata: Partial<Client> = {}): Promise<Registered> {
    const { client, clientSecret } = await this.clients.createClient({
      client: Client.create({
        grantTypes: ['client_credentials', 'authorization_code', 'refresh_token'],
        responseTypes: ['code'],
        redirectUris: [redirectUri],
        scope: 'openid offline read write photos.*',
        audience: ['https://api.example', 'https://other.example'],
        ...metadata,
      }),
      clientSecret: '',
    })
    if (!client) throw new Error('no client was answered')
    const credentials = Buffer.from(`${client.clientId}:${encodeURIComponent(clientSecret)}`).toString('base64')
    return { client, authorization: `Basic ${credentials}` }
  }

  issue(
    { authorization }: Registered,
    grantType: string,
    parameters: Record<string, string>,
  ): Promise<IssueTokenResponse> {
    const none = { clientId: '', clientSecret: '', clientAssertionType: '', clientAssertion: '' }
    return this.tokens.issueToken({ grantType, parameters, credentials: { authorization, ...none } })
  }

  /** An access token for the client itself. */
  async clientCredentials(who: Registered, parameters: Record<string, string> = {}): Promise<string> {
    return (await this.issue(who, 'client_credentials', parameters)).accessToken
  }

  /** Tokens for an end-user, and the grant behind them. */
  async authorize(who: Registered, granted: Authorization = {}): Promise<IssueTokenResponse & { grantId: string }> {
    const grantId = newUuid()
    const { client } = who
    const { parameters } = await this.#tokensForConsent.startGrant(
      StartGrantRequest.fromPartial({
        grantId,
        clientId: client.clientId,
        registrationId: client.registrationId,
        subject: granted.subject ?? 'alice',
        responseType: 'code',
        redirectUri,
        scope: [...(granted.scope ?? ['openid', 'offline', 'read'])],
        audience: [...(granted.audience ?? [])],
        ...(granted.claims ? { accessTokenClaims: granted.claims } : {}),
        ...(granted.loginSessionId ? { loginSessionId: granted.loginSessionId } : {}),
        authenticatedAt: nowSeconds(),
        requestedAt: nowSeconds(),
      }),
    )
    const issued = await this.issue(who, 'authorization_code', {
      code: parameters.code ?? '',
      redirect_uri: redirectUri,
    })
    return { ...issued, grantId }
  }

  /** RFC 7009, by the client. */
  async revoke({ authorization }: Registered, token: string): Promise<void> {
    const none = { clientId: '', clientSecret: '', clientAssertionType: '', clientAssertion: '' }
    await this.tokens.revokeToken({ token, tokenTypeHint: '', credentials: { authorization, ...none } })
  }

  /** As the consent service does. */
  async revokeGrant(grantId: string): Promise<void> {
    await this.#tokensForConsent.revokeGrants({ selector: { $case: 'grantId', value: grantId } })
  }

  introspect(token: string, request: Partial<IntrospectRequest> = {}): Promise<IntrospectResponse> {
    return this.introspection.introspect({
      token,
      tokenTypeHint: '',
      scope: '',
      consistency: Consistency.UNSPECIFIED,
      callerClientId: '',
      ...request,
    })
  }

  async isActive(token: string, request: Partial<IntrospectRequest> = {}): Promise<boolean> {
    return (await this.introspect(token, request)).active
  }
}

function linksTo(client: RunningService, token: RunningService) {
  const link = <D extends ServiceDefinition>(running: RunningService, definition: D) =>
    new Link(definition, remoteOf(running, definition, 'introspection'))
  return {
    clients: link(client, ClientServiceService),
    tokens: link(token, TokenServiceService),
    keys: link(token, KeyServiceService),
    revocations: link(token, RevocationServiceService),
  }
}
