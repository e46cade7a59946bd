// What clients may not give themselves (RFC 7591 section 5): what is the operator's alone, rights that no end-user is asked
// about, and addresses inside of networks that only this server or its end-users reach.
import { Client } from '#proto/client/v1/client_service.js'
import type { Outbound } from '../kit/outbound.js'
import { splitWords } from '../kit/scope_strategy.js'
import { checkAddresses, shownFields } from './addresses.js'
import { refuse } from './client_metadata.js'

/** Fields that are set by the operator, and shown to nobody else. */
const operatorFields = [
  'owner',
  'audience',
  'metadata',
  'accessTokenStrategy',
  'skipConsent',
  'skipLogoutConsent',
  'lifespans',
] as const satisfies readonly (keyof Client)[]

/** Grant types in which no end-user is asked for consent. */
const withoutEndUser = ['client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer']

export interface SelfRegistrationRules {
  readonly allowedGrantTypes: readonly string[]
  /** Separated by spaces. */
  readonly defaultScope: string
}

export class SelfRegistrationPolicy {
  readonly #rules: SelfRegistrationRules
  readonly #outbound: Pick<Outbound, 'mayCall'>

  constructor(rules: SelfRegistrationRules, outbound: Pick<Outbound, 'mayCall'>) {
    this.#rules = rules
    this.#outbound = outbound
  }

  /** Refuses a complete client; what it had before, somebody may have given to it. Error: `invalid_client_metadata`. */
  check(client: Client, before: Client = Client.create()): void {
    for (const grantType of client.grantTypes)
      if (!this.#rules.allowedGrantTypes.includes(grantType) && !before.grantTypes.includes(grantType))
        refuse('grantTypes', `'${grantType.slice(0, 100)}' is not for clients that register themselves`)
    if (client.requestObjectSigningAlg === 'none' && before.requestObjectSigningAlg !== 'none')
      refuse('requestObjectSigningAlg', 'must not be none')
    this.#checkScope(client, before)
    checkAddresses(shownFields, client, this.#outbound, before)
  }

  #checkScope(client: Client, before: Client): void {
    const isEndUserAsked = !client.skipConsent && !client.grantTypes.some((name) => withoutEndUser.includes(name))
    if (isEndUserAsked) return
    const allowed = splitWords(`${this.#rules.defaultScope} ${before.scope}`)
    const beyond = splitWords(client.scope).find((scope) => !allowed.includes(scope))
    if (beyond !== undefined)
      refuse('scope', `'${beyond.slice(0, 100)}' is not given to clients whose end-users are not asked`)
  }
}

/** Refuses what is the operator's alone, by name. Error: `invalid_client_metadata`. */
export function checkOperatorFields(requested: Client): void {
  for (const field of operatorFields)
    if (isGiven(requested[field])) refuse(field, 'cannot be set by clients that register themselves')
}

/** The client as its holder wants it, with what is the operator's as it was. */
export function mergeAsHolder(before: Client, requested: Client, fields: Iterable<keyof Client>): Client {
  const own = [...fields].filter((field) => !(operatorFields as readonly string[]).includes(field))
  return { ...before, ...Object.fromEntries(own.map((field) => [field, requested[field]])) }
}

/** The client without what is the operator's: what its holder may see. */
export function asHolderSees(client: Client): Client {
  const empty = Client.create()
  return { ...client, ...Object.fromEntries(operatorFields.map((field) => [field, empty[field]])) }
}

function isGiven(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return Boolean(value)
  return Object.values(value).some((member) => member !== undefined)
}
