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
  const hashes = new Map<User | undefined, Promise<Buffer>>()
  // Of each user at the first attempt to log in, and of nobody, for an address that is not known.
  const hashOf = (user?: User): Promise<Buffer> => {
    const hash = hashes.get(user) ?? hashPassword(user?.password ?? randomBytes(16).toString('hex'), salt, 32)
    hashes.set(user, hash)
    return hash
  }
  const byEmail = new Map(users.map((user) => [user.email.toLowerCase(), user]))
  const bySubject = new Map(users.map((user) => [user.subject, user]))

  return {
    find: (subject) => bySubject.get(subject),
    async authenticate(email, password) {
      const user = byEmail.get(email.trim().toLowerCase())
      const given = await hashPassword(password, salt, 32)
      return timingSafeEqual(given, await hashOf(user)) ? user : undefined
    },
  }
}
