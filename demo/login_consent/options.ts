// What the app is told at its start.
import type { User } from './users.js'

export interface LoginConsentOptions {
  /** The admin API of the authorization server, such as `http://127.0.0.1:4445`. */
  readonly adminUrl: string
  /** Its address for browsers, such as `https://auth.example.com`. */
  readonly publicUrl: string
  /** Who can log in. */
  readonly users: readonly User[]
  /** Sent with each request to the admin API, such as `{ authorization: 'Bearer …' }`. */
  readonly headers?: Readonly<Record<string, string>>
  /** The app is reached by https, so that its cookie can be kept to https and to this host. */
  readonly secure?: boolean
  /** Other URLs that people may be sent to after a form, such as after a logout that no client asked for. */
  readonly formTargets?: readonly string[]
  /** A line below the login form. */
  readonly notice?: string
}
