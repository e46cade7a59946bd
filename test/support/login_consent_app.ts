// The login and consent app in front of a stand-in for the admin API, with a user and a client.
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLoginConsentApp } from '../../demo/login_consent/app.js'
import type { LoginConsentOptions } from '../../demo/login_consent/options.js'
import { type FakeAdmin, startFakeAdmin } from './fake_admin.js'

export const user = {
  subject: 'user-1',
  email: 'demo@example.com',
  password: 'a right password',
  claims: { name: 'Livia Demo', email_verified: true, phone_number: '+49 1', unlisted: 'never told' },
}
export const client = {
  client_id: 'app',
  client_name: 'Some app',
  redirect_uris: ['http://127.0.0.1:5555/callback'],
}
export const request_url = `http://127.0.0.1:4444/oauth2/auth?${new URLSearchParams({
  client_id: 'app',
  redirect_uri: 'http://127.0.0.1:5555/callback',
})}`

export const login = { skip: false, subject: '', client, request_url }
export const consent = {
  ...{ skip: false, subject: user.subject, client, request_url },
  requested_scope: ['openid', 'profile', 'email', 'photos.read'],
}
export const logout = { subject: user.subject, client, request_url }

export interface AppUnderTest {
  readonly admin: FakeAdmin
  readonly url: string
  get(path: string): Promise<Response>
  /** Posts a form as an attacker or a script does. */
  post(path: string, form: Record<string, string>, cookie?: string): Promise<Response>
  close(): Promise<void>
}

/** The app with the challenges `l` for login, `c` for consent and `o` for logout. */
export async function startLoginConsent(options: Partial<LoginConsentOptions> = {}): Promise<AppUnderTest> {
  const admin = await startFakeAdmin()
  admin.requests.set('login/l', login)
  admin.requests.set('consent/c', consent)
  admin.requests.set('logout/o', logout)
  const app = createLoginConsentApp({ adminUrl: admin.url, publicUrl: admin.url, users: [user], ...options })
  app.silent = true
  const server: Server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    admin,
    url,
    get: (path) => fetch(url + path, { redirect: 'manual' }),
    post: (path, form, cookie = '') =>
      fetch(url + path, { method: 'POST', body: new URLSearchParams(form), headers: { cookie }, redirect: 'manual' }),
    close: async () => {
      server.close()
      server.closeAllConnections()
      await admin.close()
    },
  }
}

export const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
