// Tells clients that a login session has ended (OpenID Connect Back-Channel Logout 1.0 section 2.5): at once where this
// process ended it, soon where another did, and again where the client could not be reached. A client that hangs keeps few
// places, so that it delays nobody else.
import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { TokenServiceService } from '#proto/token/v1/token_service.js'
import { log } from '../kit/log.js'
import type { Outbound } from '../kit/outbound.js'
import type { Remote } from '../kit/rpc/contract.js'
import type { Clients } from './clients.js'
import { type LogoutDelivery, type LogoutQueue, maxAttempts } from './store/logout_queue.js'

const pollEveryMs = 2_000
const maxAtOnce = 128
const maxAtOncePerClient = 2
const timeoutMs = 5_000

export interface LogoutDeliveriesOptions {
  readonly queue: LogoutQueue
  readonly clients: Pick<Clients, 'findRegistration'>
  readonly tokens: Pick<Remote<typeof TokenServiceService>, 'signLogoutToken'>
  readonly outbound: Outbound
}

export class LogoutDeliveries {
  #options: LogoutDeliveriesOptions
  readonly #stopping = new AbortController()
  /** Deliveries under way, by client. */
  readonly #underWay = new Map<string, number>()
  readonly #attempts = new Set<Promise<void>>()
  #rest = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: LogoutDeliveriesOptions) {
    this.#options = options
    // Each delivery under way listens.
    setMaxListeners(0, this.#stopping.signal)
  }

  reconfigure(outbound: Outbound): void {
    this.#options = { ...this.#options, outbound }
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Looks for deliveries now: there may be new ones. */
  wake(): void {
    this.#rest.abort()
  }

  /** What is under way is given up, to be delivered by another process or later. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.wake()
    await this.#running
    await Promise.all(this.#attempts)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted; ) {
      // Made anew before the work, so that whoever wakes during the work is heard.
      this.#rest = new AbortController()
      try {
        await this.#beginDue()
        failures = 0
      } catch (err) {
        if (failures++ === 0) log.warn({ err }, 'delivering logout tokens fails')
      }
      if (!signal.aborted) await delay(pollEveryMs, undefined, { signal: this.#rest.signal }).catch(() => undefined)
    }
  }

  /** Begins what is due, as far as there are places. */
  async #beginDue(): Promise<void> {
    const { queue } = this.#options
    await queue.spread()
    while (this.#attempts.size < maxAtOnce && !this.#stopping.signal.aborted) {
      const busy = [...this.#underWay].filter(([, count]) => count >= maxAtOncePerClient).map(([clientId]) => clientId)
      const taken = await queue.take(maxAtOnce - this.#attempts.size, busy)
      if (taken.length === 0) return
      for (const delivery of taken) this.#begin(delivery)
    }
  }

  #begin(delivery: LogoutDelivery): void {
    const { clientId } = delivery
    this.#underWay.set(clientId, (this.#underWay.get(clientId) ?? 0) + 1)
    const attempt = this.#attempt(delivery).finally(() => {
      this.#attempts.delete(attempt)
      const others = (this.#underWay.get(clientId) ?? 1) - 1
      if (others > 0) this.#underWay.set(clientId, others)
      else this.#underWay.delete(clientId)
      this.wake()
    })
    this.#attempts.add(attempt)
  }

  /** Never rejects: what fails is due again, unless it was the last attempt. */
  async #attempt(delivery: LogoutDelivery): Promise<void> {
    const { id, clientId, attempts } = delivery
    try {
      if (attempts <= maxAttempts) await this.#deliver(delivery)
      await this.#options.queue.remove(id)
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return
      const isLast = attempts >= maxAttempts
      log.warn({ clientId, attempts, isLast, why: (thrown as Error).message }, 'a logout token was not delivered')
      if (isLast) await this.#options.queue.remove(id).catch(() => undefined)
    }
  }

  /** A client that is no more, or wants no logout tokens, counts as told. */
  async #deliver(delivery: LogoutDelivery): Promise<void> {
    const { clients, tokens, outbound } = this.#options
    const { id, clientId, registrationId, subject, loginSessionId } = delivery
    const uri = (await clients.findRegistration(clientId, registrationId))?.backchannelLogoutUri
    if (!uri) return
    const { signal } = this.#stopping
    const request = { clientId, registrationId, grantId: id, subject, loginSessionId }
    const { logoutToken } = await tokens.signLogoutToken(request, { signal })
    const { status } = await outbound.call(uri, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: logoutToken }).toString(),
      timeoutMs,
      signal,
    })
    // Section 2.8; frameworks make a 204 of an answer without a body.
    if (status !== 200 && status !== 204) throw new Error(`it answered with status ${status}`)
  }
}
