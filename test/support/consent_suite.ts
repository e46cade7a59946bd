// The consent service, one or more instances of it, with the client and token services behind it on one database; a
// browser without HTTP; and a key pair of the test's own that signs ID tokens.
import { createHash } from 'node:crypto'
import { type JWTPayload, SignJWT } from 'jose'
import pg from 'pg'
import { Client, ClientServiceService } from '#proto/client/v1/client_service.js'
import {
  type AuthorizationAnswer,
  AuthorizationServiceService,
  type Cookie,
} from '#proto/consent/v1/authorization_service.js'
import { AcceptConsentRequestRequest, ConsentServiceService } from '#proto/consent/v1/consent_service.js'
import { AcceptLoginRequestRequest, LoginServiceService } from '#proto/consent/v1/login_service.js'
import { LogoutServiceService } from '#proto/consent/v1/logout_service.js'
import { DeviceCodeServiceService } from '#proto/token/v1/device_code_service.js'
import { Key, KeyServiceService, KeySet } from '#proto/token/v1/key_service.js'
import { type IssueTokenResponse, TokenServiceService } from '#proto/token/v1/token_service.js'
import { createClientService } from '../../services/client/main.js'
import { createConsentService } from '../../services/consent/main.js'
import { nowSeconds } from '../../services/kit/clock.js'
import type { Config } from '../../services/kit/config/config.js'
import type { Caller, Remote, ServiceDefinition } from '../../services/kit/rpc/contract.js'
import { inProcess } from '../../services/kit/rpc/in_process.js'
import type { RunningService } from '../../services/kit/service.js'
import { createTokenService } from '../../services/token/main.js'
import { type Overrides, testConfig } from './config.js'
import { newKeyPair } from './key_pair.js'
import { Link } from './link.js'
import { freshDatabase } from './postgres.js'

export const issuer = 'http://127.0.0.1:4444'
export const redirectUri = 'https://app.test/cb'
export const codeVerifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
export const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url')

function remoteOf<D extends ServiceDefinition>(running: RunningService, definition: D, caller: Caller): Remote<D> {
  const service = running.services.find((candidate) => candidate.definition === definition)
  if (!service) throw new Error('it does not serve that')
  return inProcess(service, caller) as unknown as Remote<D>
}

export interface ConsentInstance {
  readonly running: RunningService
  readonly authorization: Remote<typeof AuthorizationServiceService>
  readonly login: Remote<typeof LoginServiceService>
  readonly consent: Remote<typeof ConsentServiceService>
  readonly logout: Remote<typeof LogoutServiceService>
}

/** What the client gets. */
export interface Answered {
  readonly redirectUri: string
  readonly responseMode: string
  readonly parameters: Record<string, string>
}

export type Parameters = Readonly<Record<string, string>>

export class ConsentSuite {
  readonly config: Config
  readonly instances: ConsentInstance[] = []
  /** As an operator. */
  readonly clients: Remote<typeof ClientServiceService>
  readonly tokens: Remote<typeof TokenServiceService>
  readonly links: {
    readonly clients: Link<typeof ClientServiceService>
    readonly tokens: Link<typeof TokenServiceService>
    readonly keys: Link<typeof KeyServiceService>
  }
  readonly database: pg.Pool
  readonly #deviceCodes: Remote<typeof DeviceCodeServiceService>
  readonly #running: RunningService[]
  readonly #drop: () => Promise<void>
  readonly #sign: (claims: JWTPayload, header?: Record<string, unknown>) => Promise<string>

  private constructor(config: Config, drop: () => Promise<void>, signing: Signing) {
    this.config = config
    this.#drop = drop
    this.#sign = signing.sign
    const client = createClientService(config, {})
    const token = createTokenService(config, { clients: remoteOf(client, ClientServiceService, 'token') })
    this.#running = [client, token]
    this.clients = remoteOf(client, ClientServiceService, 'operator')
    this.tokens = remoteOf(token, TokenServiceService, 'gateway')
    this.#deviceCodes = remoteOf(token, DeviceCodeServiceService, 'consent')
    const published = { getPublishedKeys: async () => ({ keySets: signing.keySets, revision: '1' }) }
    this.links = {
      clients: new Link(ClientServiceService, remoteOf(client, ClientServiceService, 'consent')),
      tokens: new Link(TokenServiceService, remoteOf(token, TokenServiceService, 'consent')),
      keys: new Link(KeyServiceService, published as unknown as Remote<typeof KeyServiceService>),
    }
    this.database = new pg.Pool({ connectionString: config.dsn, options: '-c search_path=consent,public', max: 4 })
  }

  static async start(overrides: Overrides<Config> = {}, count = 1): Promise<ConsentSuite> {
    const database = await freshDatabase()
    const config = testConfig({ ...overrides, dsn: database.dsn })
    const suite = new ConsentSuite(config, database.drop, await makeSigning())
    for (const service of suite.#running) await service.start()
    for (let instance = 0; instance < count; instance++) await suite.add(config)
    return suite
  }

  /** Another instance of the consent service on the same database. */
  async add(config: Config = this.config): Promise<ConsentInstance> {
    const { clients, tokens, keys } = this.links
    const peers = { clients: clients.remote, tokens: tokens.remote, keys: keys.remote, deviceCodes: this.#deviceCodes }
    const running = createConsentService(config, peers)
    await running.start()
    const instance = {
      running,
      authorization: remoteOf(running, AuthorizationServiceService, 'gateway'),
      login: remoteOf(running, LoginServiceService, 'operator'),
      consent: remoteOf(running, ConsentServiceService, 'operator'),
      logout: remoteOf(running, LogoutServiceService, 'gateway'),
    }
    this.instances.push(instance)
    return instance
  }

  get one(): ConsentInstance {
    return this.instances[0] as ConsentInstance
  }

  async stop(): Promise<void> {
    for (const link of Object.values(this.links)) link.mend()
    for (const { running } of this.instances) await running.stop()
    for (const service of this.#running.toReversed()) await service.stop()
    await this.database.end()
    await this.#drop()
  }

  browser(): Browser {
    return new Browser(this)
  }

  async register(metadata: Partial<Client> = {}): Promise<Client> {
    const { client } = await this.clients.createClient({
      client: Client.create({
        grantTypes: ['authorization_code', 'refresh_token'],
        responseTypes: ['code'],
        redirectUris: [redirectUri],
        scope: 'openid offline_access profile photos.*',
        audience: ['https://api.test', 'https://other.test'],
        tokenEndpointAuthMethod: 'client_secret_post',
        ...metadata,
      }),
      clientSecret: metadata.tokenEndpointAuthMethod === 'none' ? '' : clientSecret,
    })
    if (!client) throw new Error('no client was answered')
    return client
  }

  /** An ID token of this server, or one with other claims and another header. */
  idToken(claims: JWTPayload, header: Record<string, unknown> = {}): Promise<string> {
    const now = nowSeconds()
    return this.#sign({ iss: issuer, iat: now, exp: now + 3_600, ...claims }, header)
  }

  redeem(client: Client, code: string, parameters: Parameters = {}): Promise<IssueTokenResponse> {
    return this.tokens.issueToken({
      grantType: 'authorization_code',
      parameters: { code, redirect_uri: redirectUri, code_verifier: codeVerifier, ...parameters },
      credentials: credentialsOf(client),
    })
  }

  refresh(client: Client, refreshToken: string): Promise<IssueTokenResponse> {
    return this.tokens.issueToken({
      grantType: 'refresh_token',
      parameters: { refresh_token: refreshToken },
      credentials: credentialsOf(client),
    })
  }

  async count(table: string): Promise<number> {
    const { rows } = await this.database.query(`SELECT count(*)::int AS count FROM ${table}`)
    return rows[0].count
  }
}

const clientSecret = 'a secret that a test has chosen'

const credentialsOf = ({ clientId, tokenEndpointAuthMethod }: Client) => ({
  authorization: '',
  clientId,
  clientSecret: tokenEndpointAuthMethod === 'none' ? '' : clientSecret,
  clientAssertionType: '',
  clientAssertion: '',
})

interface Signing {
  readonly keySets: KeySet[]
  readonly sign: (claims: JWTPayload, header?: Record<string, unknown>) => Promise<string>
}

async function makeSigning(): Promise<Signing> {
  const { publicKey, privateKey } = newKeyPair('ec', { namedCurve: 'P-256' })
  const other = newKeyPair('ec', { namedCurve: 'P-256' })
  const keyOf = (kid: string, key: typeof publicKey) =>
    Key.fromPartial({
      kid,
      alg: 'ES256',
      use: 'sig',
      jwk: { ...key.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' },
    })
  return {
    keySets: [
      KeySet.fromPartial({ set: 'hydra.openid.id-token', keys: [keyOf('id', publicKey)] }),
      KeySet.fromPartial({ set: 'hydra.jwt.access-token', keys: [keyOf('access', other.publicKey)] }),
    ],
    sign: (claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: 'id', ...header })
        .sign(header.kid === 'access' ? other.privateKey : privateKey),
  }
}

export type LoginDecision = Partial<Omit<AcceptLoginRequestRequest, 'loginChallenge'>>
export type ConsentDecision = Partial<Omit<AcceptConsentRequestRequest, 'consentChallenge'>>

/** Keeps cookies, and follows a flow from leg to leg. */
export class Browser {
  readonly cookies = new Map<string, string>()
  instance: ConsentInstance
  readonly #suite: ConsentSuite

  constructor(suite: ConsentSuite) {
    this.#suite = suite
    this.instance = suite.one
  }

  get cookieHeader(): Record<string, string> {
    return Object.fromEntries(this.cookies)
  }

  take(cookies: readonly Cookie[]): void {
    for (const { name, value } of cookies) {
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
  }

  get session(): string | undefined {
    return this.cookies.get(this.#suite.config.serve.cookies.names.session)
  }

  async start(parameters: Parameters, duplicates: string[] = []): Promise<AuthorizationAnswer> {
    const request = { parameters, duplicates, cookies: this.cookieHeader }
    return this.#taken((await this.instance.authorization.startAuthorization(request)).answer)
  }

  async resume(url: string): Promise<AuthorizationAnswer> {
    const query = new URL(url).searchParams
    const [login, consent] = [query.get('login_verifier'), query.get('consent_verifier')]
    const verifier = login
      ? { $case: 'loginVerifier' as const, value: login }
      : { $case: 'consentVerifier' as const, value: consent ?? '' }
    const request = { verifier, cookies: this.cookieHeader }
    return this.#taken((await this.instance.authorization.resumeAuthorization(request)).answer)
  }

  #taken(answer: AuthorizationAnswer | undefined): AuthorizationAnswer {
    if (!answer) throw new Error('no answer')
    this.take(answer.cookies)
    return answer
  }

  /** Begins a flow; its login challenge. */
  async askLogin(parameters: Parameters): Promise<string> {
    return challengeOf(await this.start(parameters), 'login')
  }

  /** Accepts a login; where the browser goes on. */
  async acceptLogin(loginChallenge: string, decision: LoginDecision = {}): Promise<string> {
    const { loginRequest } = await this.instance.login.getLoginRequest({ loginChallenge })
    const subject = loginRequest?.subject || 'alice'
    const request = AcceptLoginRequestRequest.fromPartial({ loginChallenge, subject, ...decision })
    return (await this.instance.login.acceptLoginRequest(request)).redirectTo
  }

  /** Begins a flow and logs in; its consent challenge. */
  async askConsent(parameters: Parameters, login: LoginDecision = {}): Promise<string> {
    const url = await this.acceptLogin(await this.askLogin(parameters), login)
    return challengeOf(await this.resume(url), 'consent')
  }

  /** Accepts a consent; where the browser goes on. */
  async acceptConsent(consentChallenge: string, decision: ConsentDecision = {}): Promise<string> {
    const { consentRequest } = await this.instance.consent.getConsentRequest({ consentChallenge })
    const request = AcceptConsentRequestRequest.fromPartial({
      consentChallenge,
      grantScope: consentRequest?.requestedScope ?? [],
      grantAccessTokenAudience: consentRequest?.requestedAccessTokenAudience ?? [],
      ...decision,
    })
    return (await this.instance.consent.acceptConsentRequest(request)).redirectTo
  }

  /** The whole flow; what the client gets. */
  async authorize(
    parameters: Parameters,
    { login = {}, consent = {} }: { login?: LoginDecision; consent?: ConsentDecision } = {},
  ): Promise<Answered> {
    const challenge = await this.askConsent(parameters, login)
    return responseOf(await this.resume(await this.acceptConsent(challenge, consent)))
  }
}

/** An ordinary OpenID request. */
export const ordinary = (client: Client, more: Parameters = {}): Record<string, string> => ({
  client_id: client.clientId,
  response_type: 'code',
  redirect_uri: redirectUri,
  scope: 'openid offline_access profile',
  state: 'Zr3cYbR2v0yKq1sUu8mXwA',
  nonce: 'pQ7nT4hVb2LxW9cJd5kR0g',
  code_challenge: codeChallenge,
  code_challenge_method: 'S256',
  ...more,
})

export function challengeOf(answer: AuthorizationAnswer, stage: 'login' | 'consent'): string {
  if (answer.kind?.$case !== 'redirectTo') throw new Error(`no redirect to an app: ${JSON.stringify(answer.kind)}`)
  const challenge = new URL(answer.kind.value).searchParams.get(`${stage}_challenge`)
  if (!challenge) throw new Error(`no ${stage} challenge in ${answer.kind.value}`)
  return challenge
}

export function responseOf(answer: AuthorizationAnswer): Answered {
  if (answer.kind?.$case !== 'response') throw new Error(`no answer for the client: ${JSON.stringify(answer.kind)}`)
  return answer.kind.value
}

/** The error that the client gets. */
export const errorOf = (answer: AuthorizationAnswer): string => responseOf(answer).parameters.error ?? 'none'

/** The error that the server shows itself. */
export function pageErrorOf(answer: AuthorizationAnswer): string {
  if (answer.kind?.$case !== 'error') throw new Error(`no error of the server's own: ${JSON.stringify(answer.kind)}`)
  return answer.kind.value.code
}
