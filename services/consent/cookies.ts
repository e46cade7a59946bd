// The cookies of the browser that began a flow: one for each flow and stage, so that nobody else can go on with it and no
// two flows get in each other's way (RFC 6749 section 10.12), and the cookie of a remembered login.
import type { Cookie } from '#proto/consent/v1/authorization_service.js'
import type { Flow } from '#proto/consent/v1/flow.js'
import { uuidFromBytes, uuidToBytes } from '../kit/random.js'
import { decodeBase64url, type Sealer } from '../kit/sealing.js'
import type { ConsentConfig } from './config.js'
import type { Stage } from './flow.js'

/** The cookies of a request, by name. */
export type Cookies = Readonly<Record<string, string>>

/** With more flows than this in one browser, the oldest are given up: their cookies would make requests too large. */
const maxFlows = 100

const removed = (name: string): Cookie => ({ name, value: '', maxAge: 0 })

export class FlowCookies {
  readonly #sealer: Sealer
  readonly #prefixes: Readonly<Record<Stage, string>>
  readonly #lifespan: number

  constructor(sealer: Sealer, { cookieNames, ttl }: Pick<ConsentConfig, 'cookieNames' | 'ttl'>) {
    this.#sealer = sealer
    this.#prefixes = {
      device: `${cookieNames.device_csrf}_`,
      login: `${cookieNames.login_csrf}_`,
      consent: `${cookieNames.consent_csrf}_`,
    }
    this.#lifespan = ttl.login_consent_request
  }

  /** The cookie that lets this browser go on with the flow after a stage. */
  issue(stage: Stage, flow: Flow): Cookie {
    return { name: this.#nameOf(stage, flow), value: this.#valueOf(stage, flow), maxAge: this.#lifespan }
  }

  remove(stage: Stage, flow: Flow): Cookie {
    return removed(this.#nameOf(stage, flow))
  }

  /** Whether this browser may go on with the flow after a stage. */
  belongsTo(stage: Stage, flow: Flow, cookies: Cookies): boolean {
    const value = decodeBase64url(cookies[this.#nameOf(stage, flow)] ?? '')
    return value !== undefined && this.#sealer.verifyMac(purposeOf(stage), contentOf(flow), value.subarray(timeSize))
  }

  /** Removes the oldest flows' cookies where there are too many to add one. */
  prune(cookies: Cookies): Cookie[] {
    const prefixes = Object.values(this.#prefixes)
    const flows = Object.keys(cookies).filter((name) => prefixes.some((prefix) => name.startsWith(prefix)))
    const surplus = flows.length - (maxFlows - 1)
    if (surplus <= 0) return []
    const oldestFirst = flows.toSorted((a, b) => beginningOf(cookies[a]) - beginningOf(cookies[b]))
    return oldestFirst.slice(0, surplus).map(removed)
  }

  /** 48 random bits of the flow's id tell flows of one browser apart. */
  #nameOf(stage: Stage, flow: Flow): string {
    return this.#prefixes[stage] + Buffer.from(flow.id.subarray(10)).toString('base64url')
  }

  /** When the flow began, so that the oldest can be told, and a code that only this server can make. */
  #valueOf(stage: Stage, flow: Flow): string {
    const code = this.#sealer.mac(purposeOf(stage), contentOf(flow))
    return Buffer.concat([timeOf(flow), code]).toString('base64url')
  }
}

const timeSize = 4

const purposeOf = (stage: Stage): string => `${stage} cookie`

function timeOf({ requestedAt }: Flow): Buffer {
  const time = Buffer.alloc(timeSize)
  time.writeUInt32BE(requestedAt)
  return time
}

const contentOf = (flow: Flow): Buffer => Buffer.concat([flow.id, timeOf(flow)])

function beginningOf(value = ''): number {
  const bytes = Buffer.from(value, 'base64url')
  return bytes.length > timeSize ? bytes.readUInt32BE() : 0
}

const sessionPurpose = 'login session'

export class SessionCookie {
  readonly #sealer: Sealer
  readonly name: string

  constructor(sealer: Sealer, { cookieNames }: Pick<ConsentConfig, 'cookieNames'>) {
    this.#sealer = sealer
    this.name = cookieNames.session
  }

  /** The id of the login session that the browser says it has; undefined if it has none. */
  read(cookies: Cookies): string | undefined {
    const sealed = decodeBase64url(cookies[this.name] ?? '')
    const id = sealed && this.#sealer.open(sessionPurpose, sealed)
    return id && uuidFromBytes(id)
  }

  /** @param maxAge Seconds that the browser keeps it. */
  write(sessionId: string, maxAge: number): Cookie {
    return {
      name: this.name,
      value: this.#sealer.seal(sessionPurpose, uuidToBytes(sessionId)).toString('base64url'),
      maxAge,
    }
  }

  /** Removes it, where there is one. */
  remove(cookies: Cookies): Cookie[] {
    return this.name in cookies ? [removed(this.name)] : []
  }
}
