// Hydra's paths and admin API, which Tessera has too.
import { type Browser, callForJson, get, postForm, sendJson } from '../load/http_client.js'
import { algorithmOf } from '../load/jwt.js'
import { until } from '../load/until.js'
import { type BenchClient, basicOf, type Dialect, type MachineClient, redirectUri } from './dialect.js'

const requests = '/admin/oauth2/auth/requests'
/** Of a key that was added until it signs. */
const keyTimeoutMs = 30_000

export class HydraDialect implements Dialect {
  readonly paths = {
    authorization: '/oauth2/auth',
    token: '/oauth2/token',
    revocation: '/oauth2/revoke',
    userinfo: '/userinfo',
    discovery: '/.well-known/openid-configuration',
    jwks: '/.well-known/jwks.json',
  }
  readonly publicUrl: string
  readonly adminUrl: string
  /** Whether keys may be added: not to a server that is not ours. */
  readonly #mayAddKeys: boolean

  constructor(publicUrl: string, adminUrl: string, mayAddKeys: boolean) {
    this.publicUrl = publicUrl
    this.adminUrl = adminUrl
    this.#mayAddKeys = mayAddKeys
  }

  introspection(token: string) {
    return postForm('/admin/oauth2/introspect', { token })
  }

  registration() {
    return sendJson('POST', '/admin/clients', {
      client_name: 'bench',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [redirectUri],
      scope: 'openid offline_access',
    })
  }

  async machine(alg?: string): Promise<MachineClient> {
    const strategy = alg ? 'jwt' : 'opaque'
    const client = await this.#register({ grant_types: ['client_credentials'], access_token_strategy: strategy })
    const machine = { ...client, parameters: { scope: 'read' } }
    if (alg && this.#mayAddKeys) await this.#signWith(alg, machine)
    return machine
  }

  app(alg: string): Promise<BenchClient> {
    return this.#register({
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [redirectUri],
      scope: 'openid offline_access',
      id_token_signed_response_alg: alg,
    })
  }

  async authorize(browser: Browser, request: URL, login: object = {}): Promise<URL> {
    const loginPage = await browser.redirectFrom(request)
    const consent = await browser.redirectFrom(
      await this.#answer('login', loginPage, () => ({
        subject: `user-${loginPage.searchParams.get('login_challenge')?.slice(-8)}`,
        ...login,
      })),
    )
    return browser.redirectFrom(
      await this.#answer('consent', consent, ({ requested_scope, requested_access_token_audience }) => ({
        grant_scope: requested_scope,
        grant_access_token_audience: requested_access_token_audience,
      })),
    )
  }

  /** As a login and consent app does: reads the request, accepts it. */
  async #answer(
    kind: 'login' | 'consent',
    at: URL,
    accept: (request: Record<string, unknown>) => object,
  ): Promise<URL> {
    const name = `${kind}_challenge`
    const query = new URLSearchParams({ [name]: at.searchParams.get(name) ?? '' })
    const request = await callForJson(this.adminUrl, get(`${requests}/${kind}?${query}`))
    const accepted = sendJson('PUT', `${requests}/${kind}/accept?${query}`, accept(request))
    return new URL(String((await callForJson(this.adminUrl, accepted)).redirect_to))
  }

  async #register(metadata: object): Promise<BenchClient> {
    const body = {
      client_name: 'bench',
      scope: 'read write',
      token_endpoint_auth_method: 'client_secret_basic',
      ...metadata,
    }
    const client = await callForJson(this.adminUrl, sendJson('POST', '/admin/clients', body))
    const id = String(client.client_id)
    return { id, headers: basicOf(id, String(client.client_secret)) }
  }

  /** Access tokens are signed by the newest key of their set: adds one of the algorithm, if that is another. */
  async #signWith(alg: string, machine: MachineClient): Promise<void> {
    const request = postForm(
      this.paths.token,
      { grant_type: 'client_credentials', ...machine.parameters },
      machine.headers,
    )
    const current = async () => algorithmOf(String((await callForJson(this.publicUrl, request)).access_token))
    if ((await current()) === alg) return
    const key = sendJson('POST', '/admin/keys/hydra.jwt.access-token', { alg, use: 'sig', kid: `bench-${alg}` })
    await callForJson(this.adminUrl, key)
    await until(async () => (await current()) === alg, keyTimeoutMs, `access tokens are not signed with ${alg}`)
  }
}
