// The live part of the log of revocations in memory: is a token revoked, in well under a microsecond.
import { type Revocation, RevocationKind } from '#proto/token/v1/revocation_service.js'
import { nowSeconds } from '../kit/clock.js'
import { compactUuid, type ReceivedToken } from './received_token.js'

interface Until {
  /** Epoch milliseconds: tokens issued until then are revoked. */
  readonly notBeforeMs: number
  /** Epoch seconds. */
  readonly expiresAt: number
}

/** How many entries are looked at with each message, so that forgetting never makes a call wait. */
const sweptAtOnce = 2_000

/** What is named by an id, and revoked whenever it was issued. */
const idKinds = new Set<RevocationKind>([RevocationKind.TOKEN, RevocationKind.GRANT, RevocationKind.REGISTRATION])

export class RevocationIndex {
  /** When to forget the id of a token, a grant or a registration, in epoch seconds. */
  readonly #ids = new Map<string, number>()
  readonly #clients = new Map<string, Until>()
  readonly #subjects = new Map<string, Until>()
  #sweeping: Iterator<[string, number]> | undefined

  get size(): number {
    return this.#ids.size + this.#clients.size + this.#subjects.size
  }

  add({ kind, key, notBeforeMs, expiresAt, clientId }: Revocation): void {
    if (idKinds.has(kind)) {
      const id = compactUuid(key)
      this.#ids.set(id, Math.max(expiresAt, this.#ids.get(id) ?? 0))
    } else if (kind === RevocationKind.CLIENT) extend(this.#clients, key, notBeforeMs, expiresAt)
    else if (kind === RevocationKind.SUBJECT) extend(this.#subjects, subjectKey(key, clientId), notBeforeMs, expiresAt)
  }

  has({ id, grantId, registrationId, clientId, subject, issuedAtMs }: ReceivedToken): boolean {
    return (
      this.#ids.has(id) ||
      this.#ids.has(grantId) ||
      this.#ids.has(registrationId) ||
      issuedAtMs <= (this.#clients.get(clientId)?.notBeforeMs ?? -1) ||
      (this.#subjects.size > 0 && grantId !== '' && this.#hasSubject(subject, clientId, issuedAtMs))
    )
  }

  #hasSubject(subject: string, clientId: string, issuedAtMs: number): boolean {
    return ['', clientId].some(
      (client) => issuedAtMs <= (this.#subjects.get(subjectKey(subject, client))?.notBeforeMs ?? -1),
    )
  }

  clear(): void {
    this.#ids.clear()
    this.#clients.clear()
    this.#subjects.clear()
    this.#sweeping = undefined
  }

  /** Forgets some of what has expired, and goes on from there the next time. */
  sweep(): void {
    const now = nowSeconds()
    this.#sweeping ??= this.#ids.entries()
    for (let count = 0; count < sweptAtOnce; count++) {
      const { value, done } = this.#sweeping.next()
      if (done) {
        this.#sweeping = undefined
        for (const map of [this.#clients, this.#subjects]) forget(map, now)
        return
      }
      if (value[1] < now) this.#ids.delete(value[0])
    }
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

function forget(map: Map<string, Until>, now: number): void {
  for (const [key, { expiresAt }] of map) if (expiresAt < now) map.delete(key)
}
