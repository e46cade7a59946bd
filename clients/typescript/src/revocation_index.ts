// The live revocations in memory. The same rule as the server's own introspection applies.
import { type Revocation, RevocationKind } from './gen/tessera/token/v1/revocation_service.js'
import type { VerifiedToken } from './jwt_access_token.js'

interface Until {
  /** Epoch milliseconds: tokens issued until then are revoked. */
  readonly notBeforeMs: number
  /** Epoch seconds. */
  readonly expiresAt: number
}

/** What is named by an id, and revoked whenever it was issued. */
const idKinds = new Set<RevocationKind>([RevocationKind.TOKEN, RevocationKind.GRANT, RevocationKind.REGISTRATION])

const sweepEveryMs = 60_000

export class RevocationIndex {
  /** When to forget the id of a token, a grant or a registration, in epoch seconds. */
  readonly #ids = new Map<string, number>()
  readonly #clients = new Map<string, Until>()
  readonly #subjects = new Map<string, Until>()
  #sweptAt = 0

  get size(): number {
    return this.#ids.size + this.#clients.size + this.#subjects.size
  }

  add({ kind, key, notBeforeMs, expiresAt, clientId }: Revocation): void {
    if (idKinds.has(kind)) this.#ids.set(key, Math.max(expiresAt, this.#ids.get(key) ?? 0))
    else if (kind === RevocationKind.CLIENT) extend(this.#clients, key, notBeforeMs, expiresAt)
    else if (kind === RevocationKind.SUBJECT) extend(this.#subjects, subjectKey(key, clientId), notBeforeMs, expiresAt)
  }

  has({ tokenId, grantId, registrationId, clientId, subject, issuedAtMs }: VerifiedToken): boolean {
    return (
      this.#ids.has(tokenId) ||
      this.#ids.has(grantId) ||
      this.#ids.has(registrationId) ||
      issuedAtMs <= (this.#clients.get(clientId)?.notBeforeMs ?? -1) ||
      (grantId !== '' && this.#hasSubject(subject, clientId, issuedAtMs))
    )
  }

  #hasSubject(subject: string, clientId: string, issuedAtMs: number): boolean {
    return ['', clientId].some(
      (client) => issuedAtMs <= (this.#subjects.get(subjectKey(subject, client))?.notBeforeMs ?? -1),
    )
  }

  clear(): void {
    for (const map of [this.#ids, this.#clients, this.#subjects]) map.clear()
  }

  /** Forgets, now and then, what names no token that is still alive. */
  sweep(nowMs: number): void {
    if (nowMs - this.#sweptAt < sweepEveryMs) return
    this.#sweptAt = nowMs
    const now = Math.floor(nowMs / 1_000)
    for (const [id, expiresAt] of this.#ids) if (expiresAt < now) this.#ids.delete(id)
    for (const map of [this.#clients, this.#subjects])
      for (const [key, { expiresAt }] of map) if (expiresAt < now) map.delete(key)
  }
}

/** All tokens of a subject, or those of one client. Neither has a NUL character. */
const subjectKey = (subject: string, clientId: string): string => `${clientId}\0${subject}`

function extend(map: Map<string, Until>, key: string, notBeforeMs: number, expiresAt: number): void {
  const known = map.get(key)
  map.set(key, {
    notBeforeMs: Math.max(notBeforeMs, known?.notBeforeMs ?? 0),
    expiresAt: Math.max(expiresAt, known?.expiresAt ?? 0),
  })
}
