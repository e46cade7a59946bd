// What scopes mean: to the end-user who is asked, and for the claims they let out (OpenID Connect Core 5.4).
import type { User } from './users.js'

interface ScopeMeaning {
  readonly title: string
  readonly explanation: string
  /** Without it the request makes no sense, so there is no choice. */
  readonly required?: boolean
}

const offline: ScopeMeaning = {
  title: 'Stay connected',
  explanation: 'Keep this access while you are away, until you take it back.',
}

const meanings: Readonly<Record<string, ScopeMeaning>> = {
  openid: { title: 'Sign you in', explanation: 'Recognise you when you come back.', required: true },
  profile: { title: 'See your profile', explanation: 'Your name, and what else your profile says about you.' },
  email: { title: 'See your email address', explanation: 'The address, and whether it has been confirmed.' },
  address: { title: 'See your postal address', explanation: 'Where you live, as your profile says.' },
  phone: { title: 'See your phone number', explanation: 'The number, and whether it has been confirmed.' },
  offline,
  offline_access: offline,
}

/** What a scope means; one that is not known here is shown by its name. */
export const meaningOfScope = (scope: string): ScopeMeaning =>
  (Object.hasOwn(meanings, scope) ? meanings[scope] : undefined) ?? {
    title: scope,
    explanation: 'A permission that the app defines itself.',
  }

const profile = [
  ...['name', 'family_name', 'given_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture'],
  ...['website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at'],
]

const claimsOfScope: Readonly<Record<string, readonly string[]>> = {
  profile,
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
}

/** The claims about a user that the granted scopes let out. */
export function claimsFor(user: User | undefined, grantedScope: readonly string[]): Record<string, unknown> {
  const known: Readonly<Record<string, unknown>> = user ? { ...user.claims, email: user.email } : {}
  const names = grantedScope.flatMap((scope) => (Object.hasOwn(claimsOfScope, scope) ? claimsOfScope[scope] : []) ?? [])
  return Object.fromEntries(names.filter((name) => Object.hasOwn(known, name)).map((name) => [name, known[name]]))
}
