// oidc-provider's paths; the pages of login and consent are those of servers/oidc_provider_process.ts.
import { type Browser, postForm, sendJson } from '../load/http_client.js'
import { secret } from '../servers/oidc_provider_clients.js'
import { type BenchClient, basicOf, type Dialect, type MachineClient, redirectUri } from './dialect.js'

export class OidcProviderDialect implements Dialect {
  readonly paths = {
    authorization: '/auth',
    token: '/token',
    revocation: '/token/revocation',
    userinfo: '/me',
    discovery: '/.well-known/openid-configuration',
    jwks: '/jwks',
  }
  readonly publicUrl: string
  readonly adminUrl: string

  constructor(publicUrl: string) {
    this.publicUrl = publicUrl
    this.adminUrl = publicUrl
  }

  /** It has no introspection without a client. */
  introspection(token: string) {
    return postForm('/token/introspection', { token }, basicOf('machine', secret))
  }

  /** It has no admin API: this is dynamic registration. */
  registration() {
    return sendJson('POST', '/reg', {
      client_name: 'bench',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [redirectUri],
      scope: 'openid offline_access',
    })
  }

  async machine(alg?: string): Promise<MachineClient> {
    const parameters = alg ? { scope: 'read', resource: `urn:bench:${alg}` } : { scope: 'read' }
    return { id: 'machine', headers: basicOf('machine', secret), parameters }
  }

  async app(alg: string): Promise<BenchClient> {
    const id = `app-${alg}`
    return { id, headers: basicOf(id, secret) }
  }

  async authorize(browser: Browser, request: URL): Promise<URL> {
    // Without it, it leaves out offline access (OpenID Connect Core section 11).
    request.searchParams.set('prompt', 'consent')
    const login = await browser.redirectFrom(request)
    const consent = await browser.redirectFrom(await browser.redirectFrom(login, 'POST'))
    return browser.redirectFrom(await browser.redirectFrom(consent, 'POST'))
  }
}
