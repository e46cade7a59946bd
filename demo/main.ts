// The demo of development mode: a login and consent app and a client that uses it, on one port.
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Koa, { type Middleware } from 'koa'
import { log } from '../services/kit/log.js'
import { callbackPath, clientApp, signedOutPath } from './client_app/app.js'
import { demoUser } from './demo_user.js'
import { loginConsent } from './login_consent/app.js'
import { registerClient } from './registration.js'

export interface DemoOptions {
  /** 0: any free one. Undefined: 4446, or any free one where that is taken. */
  readonly port: number | undefined
  /** Where the secret of its client is kept. */
  readonly dataDir: string
}

/** The authorization server, once it can be reached. */
export interface DemoServer {
  readonly adminUrl: string
  readonly publicUrl: string
  readonly issuer: string
  /** Sent with each request to the admin API, such as `authorization`. */
  readonly adminHeaders?: Readonly<Record<string, string>>
}

export interface Demo {
  /** Takes the port. `demoUrls(url)` then says what belongs into the server's `urls.*`, before it is created. */
  listen(): Promise<{ url: string }>
  /** Registers the demo's client at the server, waiting for it if need be, and opens the pages. */
  connect(server: DemoServer): Promise<void>
  close(): Promise<void>
}

/** The server's `urls.*` for a demo at this address. */
export const demoUrls = (url: string) => ({
  login: `${url}/login`,
  consent: `${url}/consent`,
  logout: `${url}/logout`,
  error: `${url}/error`,
  post_logout_redirect: `${url}/`,
  device: { verification: `${url}/device`, success: `${url}/device_done` },
})

const host = '127.0.0.1'
const usualPort = 4446
const clientId = 'demo'
const scope = 'openid profile email offline_access'

/** The app has one address, which its cookies and redirect URIs are tied to: `localhost` is led there. */
const atHome =
  (url: string): Middleware =>
  async (ctx, next) => {
    if (ctx.host === new URL(url).host) await next()
    else ctx.redirect(url + ctx.path + ctx.search)
  }

const starting: Middleware = (ctx) => {
  ctx.status = 503
  ctx.set('Retry-After', '1')
  ctx.body = 'The server is starting.'
}

const metadataOf = (url: string) => ({
  client_id: clientId,
  client_name: 'Demo app',
  client_uri: url,
  redirect_uris: [url + callbackPath],
  post_logout_redirect_uris: [url + signedOutPath],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope,
  token_endpoint_auth_method: 'client_secret_basic',
  id_token_signed_response_alg: 'ES256',
})

function listenOn(app: Koa, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = app.listen(port, host)
    server.once('listening', () => resolve(server)).once('error', reject)
  })
}

export function createDemo({ port, dataDir }: DemoOptions): Demo {
  let pages = starting
  let server: Server | undefined
  let url = ''
  const app = new Koa().use((ctx, next) => pages(ctx, next))
  app.on('error', (error) => log.warn({ err: error }, 'the demo could not answer'))

  return {
    async listen() {
      server = await listenOn(app, port ?? usualPort).catch((failure: NodeJS.ErrnoException) => {
        if (port !== undefined || failure.code !== 'EADDRINUSE') throw failure
        return listenOn(app, 0)
      })
      url = `http://${host}:${(server.address() as AddressInfo).port}`
      return { url }
    },

    async connect({ adminUrl, publicUrl, issuer, adminHeaders = {} }) {
      const secretFile = join(dataDir, 'demo_client_secret')
      const clientSecret = await registerClient({
        adminUrl,
        headers: adminHeaders,
        secretFile,
        metadata: metadataOf(url),
      })
      const notice = `For this demo: ${demoUser.email}, password ${demoUser.password}.`
      const login = loginConsent({ adminUrl, publicUrl, headers: adminHeaders, users: [demoUser], notice })
      const client = clientApp({ issuer, url, clientId, clientSecret, scope })
      const home = atHome(url)
      pages = (ctx, next) => home(ctx, () => login(ctx, () => client(ctx, next)))
    },

    async close() {
      const closed = new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
      server?.closeAllConnections()
      await closed
    },
  }
}
