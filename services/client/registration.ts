// Registers, changes and deletes clients (RFC 7591, RFC 7592). A change is made to what was read and takes effect only if
// that is still there; else it is made again to what is there now.
import {
  Client,
  type CreateClientRequest,
  type CreateClientResponse,
  type UpdateClientRequest,
  type UpdateClientResponse,
} from '#proto/client/v1/client_service.js'
import { nowMs } from '../kit/clock.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Outbound } from '../kit/outbound.js'
import { newUuid } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import { calledFields, checkAddresses } from './addresses.js'
import { checkMetadata, completeMetadata, isClientId, updatableFields } from './client_metadata.js'
import { type ClientSecrets, isRecoverable, rotatedHashes } from './client_secret.js'
import type { RegistrationTokens } from './registration_tokens.js'
import { secretNeedsOf } from './secret_needs.js'
import type { ClientStore, StoredClient } from './store/client_store.js'
import type { SubjectTypes } from './subject_type.js'

/** How often a change is made again before the caller has to. */
const maxAttempts = 5

/** What a change makes of a client, and the secret to show. */
interface Change {
  readonly metadata: Client
  readonly secretHashes: readonly string[]
  readonly secret: string
  /** As it was where absent. */
  readonly registrationTokenHash?: string
}

/** A client as it is to be; the secret that it is to have, empty where that does not change. */
export interface Replacement {
  readonly metadata: Client
  readonly clientSecret: string
  readonly registrationTokenHash?: string
}

export interface RegistrationParts {
  readonly store: ClientStore
  readonly secrets: ClientSecrets
  readonly subjectTypes: SubjectTypes
  readonly tokens: RegistrationTokens
  /** Scopes of clients that name none, separated by spaces. */
  readonly defaultScope: string
  /** How addresses that clients name are called. */
  readonly outbound: Pick<Outbound, 'mayCall'>
  readonly dev: boolean
}

export class Registration {
  readonly #store: ClientStore
  readonly #secrets: ClientSecrets
  readonly #subjectTypes: SubjectTypes
  readonly #tokens: RegistrationTokens
  readonly #defaultScope: string
  readonly #outbound: Pick<Outbound, 'mayCall'>
  readonly #dev: boolean

  constructor({ store, secrets, subjectTypes, tokens, defaultScope, outbound, dev }: RegistrationParts) {
    this.#store = store
    this.#secrets = secrets
    this.#subjectTypes = subjectTypes
    this.#tokens = tokens
    this.#defaultScope = defaultScope
    this.#outbound = outbound
    this.#dev = dev
  }

  async find(clientId: string, call: Call): Promise<StoredClient | undefined> {
    return isClientId(clientId) ? this.#store.find(clientId, call) : undefined
  }

  /** Error: `not_found`. */
  async get(clientId: string, call: Call): Promise<StoredClient> {
    const stored = await this.find(clientId, call)
    if (!stored) throw new OAuthError('not_found', 'There is no client with this client_id.')
    return stored
  }

  /** `selfRegistered`: it asks for itself, not the operator for it. */
  async create(
    { client: requested, clientSecret }: CreateClientRequest,
    { selfRegistered } = { selfRegistered: false },
  ): Promise<CreateClientResponse> {
    const now = new Date(nowMs())
    const client = {
      ...this.complete(Client.create(requested)),
      clientId: requested?.clientId || newUuid(),
      createdAt: now,
      updatedAt: now,
      revision: 1,
      registrationId: newUuid(),
      selfRegistered,
    }
    checkMetadata(client, { dev: this.#dev })
    checkAddresses(calledFields, client, this.#outbound)
    await this.#subjectTypes.check(client)
    const chosenHash = await this.#hashChosen(client, clientSecret)
    const { secret, secretHashes } = this.#secretsAfter(undefined, client, clientSecret, chosenHash)
    const { token, hash } = this.#tokens.issue(client.registrationId)
    await this.#store.create({ client, secretHashes, registrationTokenHash: hash })
    return { client, clientSecret: secret, registrationAccessToken: token }
  }

  update(request: UpdateClientRequest, call: Call): Promise<UpdateClientResponse> {
    const requested = Client.create(request.client)
    const fields = fieldsOf(request.updateMask ?? [])
    return this.replace(requested.clientId, call, ({ client }) => ({
      metadata: merge(client, requested, fields),
      clientSecret: request.clientSecret,
    }))
  }

  /** Makes of a client what `replacement` says, which is asked again where the client was changed meanwhile. */
  async replace(
    clientId: string,
    call: Call,
    replacement: (before: StoredClient) => Replacement,
  ): Promise<UpdateClientResponse> {
    let chosenHash: string | undefined
    const { client, secret } = await this.#change(clientId, call, async (before) => {
      const { metadata: wanted, clientSecret, ...more } = replacement(before)
      const metadata = this.complete(wanted)
      checkMetadata(metadata, { dev: this.#dev })
      checkAddresses(calledFields, metadata, this.#outbound, before.client)
      await this.#subjectTypes.check(metadata, before.client)
      chosenHash ??= await this.#hashChosen(metadata, clientSecret)
      return { metadata, ...more, ...this.#secretsAfter(before, metadata, clientSecret, chosenHash) }
    })
    return { client, clientSecret: secret }
  }

  rotateSecret(clientId: string, call: Call): Promise<{ client: Client; secret: string }> {
    return this.#change(clientId, call, async ({ client, secretHashes }) => {
      const needs = secretNeedsOf(client)
      if (!needs) throw new OAuthError('invalid_request', 'The client has no secret to rotate.')
      const { secret, hash } = this.#secrets.generate(needs)
      return { metadata: client, secret, secretHashes: rotatedHashes(hash, secretHashes) }
    })
  }

  dropRotatedSecrets(clientId: string, call: Call): Promise<{ client: Client }> {
    return this.#change(clientId, call, async ({ client, secretHashes }) => ({
      metadata: client,
      secretHashes: secretHashes.slice(0, 1),
      secret: '',
    }))
  }

  /** `check` refuses what must not be deleted. */
  async delete(clientId: string, call: Call, check?: (stored: StoredClient) => void): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const stored = await this.get(clientId, call)
      check?.(stored)
      if (await this.#store.delete(stored)) return
    }
    throw busy()
  }

  async #change(
    clientId: string,
    call: Call,
    change: (before: StoredClient) => Promise<Change>,
  ): Promise<{ client: Client; secret: string }> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const before = await this.get(clientId, call)
      const changed = await change(before)
      const { metadata, secretHashes, secret, registrationTokenHash = before.registrationTokenHash } = changed
      const client = { ...metadata, updatedAt: new Date(nowMs()), revision: before.client.revision + 1 }
      if (await this.#store.replace(before, { client, secretHashes, registrationTokenHash })) return { client, secret }
    }
    throw busy()
  }

  /** The client with the defaults for what it leaves out. */
  complete(client: Client): Client {
    return completeMetadata(this.#subjectTypes.complete(client), this.#defaultScope)
  }

  /** The hash of a secret that came with the request; undefined where there is none or the client uses none. */
  async #hashChosen(client: Client, chosen: string): Promise<string | undefined> {
    const needs = secretNeedsOf(client)
    return chosen && needs ? this.#secrets.hashChosen(chosen, needs) : undefined
  }

  /**
   * What the client's secrets are after a change of its metadata, and the one to show. Error: `invalid_client_metadata`
   * where it needs its secret to be known and only a hash is.
   */
  #secretsAfter(
    before: StoredClient | undefined,
    metadata: Client,
    chosen: string,
    chosenHash: string | undefined,
  ): Pick<Change, 'secretHashes' | 'secret'> {
    const needs = secretNeedsOf(metadata)
    if (!needs) return { secretHashes: [], secret: '' }
    if (chosenHash) return { secretHashes: [chosenHash], secret: chosen }
    const [newest] = before?.secretHashes ?? []
    const isGood = newest !== undefined && (!needs.isSealed || isRecoverable(newest))
    if (before && isGood) return { secretHashes: before.secretHashes, secret: '' }
    // Who registered itself cannot choose a secret, and is given one.
    if (newest !== undefined && !metadata.selfRegistered) throw unknownSecret(metadata)
    const { secret, hash } = this.#secrets.generate(needs)
    return { secretHashes: [hash], secret }
  }
}

const busy = () => new OAuthError('conflict', 'The client is being changed by others at the same time; try again.')

const unknownSecret = ({ tokenEndpointAuthMethod: method }: Client) =>
  new OAuthError('invalid_client_metadata', `client_secret: is needed for ${method}, and only a hash of it is known.`, {
    hint: 'Send a new client_secret together with the change.',
  })

/** The fields that a mask names; all that can be set for an empty one. */
function fieldsOf(mask: readonly string[]): (keyof Client)[] {
  if (mask.length === 0) return [...updatableFields.values()]
  return mask.map((name) => {
    const field = updatableFields.get(name)
    if (!field) throw new OAuthError('invalid_request', 'update_mask names a field that cannot be set.')
    return field
  })
}

const merge = (before: Client, requested: Client, fields: readonly (keyof Client)[]): Client => ({
  ...before,
  ...Object.fromEntries(fields.map((field) => [field, requested[field]])),
})
