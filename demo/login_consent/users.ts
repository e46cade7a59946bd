// The people who can log in, and the check of their passwords. Replace it with your own user store.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

export interface User {
  /** Names the user for ever, whatever becomes of the address; clients see it as `sub`. */
  readonly subject: string
  readonly email: string
  readonly password: string
  /** What may be told about the user (OpenID Connect Core 5.1), as the granted scopes allow. */
  readonly claims: Readonly<Record<string, unknown>>
}

const hashPassword = promisify<string, Buffer, number, Buffer>(scrypt)

export interface UserStore {
  find(subject: string): User | undefined
  /** The user whose password this is; undefined for a wrong address or password, after the same time. */
  authenticate(email: string, password: string): Promise<User | undefined>
}

export function createUserStore(users: readonly User[]): UserStore {
  const salt = randomBytes(16)
  const nobody = hashPassword(randomBytes(16).toString('hex'), salt, 32)
  const entries = new Map(
    users.map((user) => [user.email.toLowerCase(), { user, hash: hashPassword(user.password, salt, 32) }]),
  )
  const bySubject = new Map(users.map((user) => [user.subject, user]))

  return {
    find: (subject) => bySubject.get(subject),
    async authenticate(email, password) {
      const entry = entries.get(email.trim().toLowerCase())
      const given = await hashPassword(password, salt, 32)
      const right = timingSafeEqual(given, await (entry?.hash ?? nobody))
      return right ? entry?.user : undefined
    },
  }
}
