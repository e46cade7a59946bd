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
import { newUuid } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import { usesSecret } from './authentication/index.js'
import { checkMetadata, completeMetadata, isClientId, updatableFields } from './client_metadata.js'
import { type ClientSecrets, generateSecret, rotatedHashes } from './client_secret.js'
import type { ClientStore, StoredClient } from './store/client_store.js'
import type { SubjectTypes } from './subject_type.js'

/** How often a change is made again before the caller has to. */
const maxAttempts = 5

/** What a change makes of a client, and the secret to show. */
interface Change {
  readonly metadata: Client
  readonly secretHashes: readonly string[]
  readonly secret: string
}

export class Registration {
  readonly #store: ClientStore
  readonly #secrets: ClientSecrets
  readonly #subjectTypes: SubjectTypes

  constructor(store: ClientStore, secrets: ClientSecrets, subjectTypes: SubjectTypes) {
    this.#subjectTypes = subjectTypes
    this.#store = store
    this.#secrets = secrets
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

  async create({ client: requested, clientSecret }: CreateClientRequest): Promise<CreateClientResponse> {
    const now = new Date(nowMs())
    const client = {
      ...this.#complete(Client.create(requested)),
      clientId: requested?.clientId || newUuid(),
      createdAt: now,
      updatedAt: now,
      revision: 1,
      registrationId: newUuid(),
    }
    checkMetadata(client)
    await this.#subjectTypes.check(client)
    const chosenHash = await this.#hashChosen(client, clientSecret)
    const { secret, secretHashes } = secretsAfter(undefined, client, clientSecret, chosenHash)
    await this.#store.create({ client, secretHashes })
    return { client, clientSecret: secret }
  }

  async update(request: UpdateClientRequest, call: Call): Promise<UpdateClientResponse> {
    const requested = Client.create(request.client)
    const fields = fieldsOf(request.updateMask ?? [])
    let chosenHash: string | undefined
    const { client, secret } = await this.#change(requested.clientId, call, async (before) => {
      const metadata = this.#complete(merge(before.client, requested, fields))
      checkMetadata(metadata)
      await this.#subjectTypes.check(metadata, before.client)
      chosenHash ??= await this.#hashChosen(metadata, request.clientSecret)
      return { metadata, ...secretsAfter(before, metadata, request.clientSecret, chosenHash) }
    })
    return { client, clientSecret: secret }
  }

  rotateSecret(clientId: string, call: Call): Promise<{ client: Client; secret: string }> {
    return this.#change(clientId, call, async ({ client, secretHashes }) => {
      if (secretHashes.length === 0) throw new OAuthError('invalid_request', 'The client has no secret to rotate.')
      const { secret, hash } = generateSecret()
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

  async delete(clientId: string, call: Call): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++)
      if (await this.#store.delete(await this.get(clientId, call))) return
    throw busy()
  }

  async #change(
    clientId: string,
    call: Call,
    change: (before: StoredClient) => Promise<Change>,
  ): Promise<{ client: Client; secret: string }> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const before = await this.get(clientId, call)
      const { metadata, secretHashes, secret } = await change(before)
      const client = { ...metadata, updatedAt: new Date(nowMs()), revision: before.client.revision + 1 }
      if (await this.#store.replace(before, { client, secretHashes })) return { client, secret }
    }
    throw busy()
  }

  #complete(client: Client): Client {
    return completeMetadata(this.#subjectTypes.complete(client))
  }

  /** The hash of a secret that came with the request; undefined where there is none or the client uses none. */
  async #hashChosen(client: Client, chosen: string): Promise<string | undefined> {
    return chosen && usesSecret(client.tokenEndpointAuthMethod) ? this.#secrets.hashChosen(chosen) : undefined
  }
}

const busy = () => new OAuthError('conflict', 'The client is being changed by others at the same time; try again.')

/** What the client's secrets are after a change of its metadata, and the one to show. */
function secretsAfter(
  before: StoredClient | undefined,
  { tokenEndpointAuthMethod }: Client,
  chosen: string,
  chosenHash: string | undefined,
): Pick<Change, 'secretHashes' | 'secret'> {
  if (!usesSecret(tokenEndpointAuthMethod)) return { secretHashes: [], secret: '' }
  if (chosenHash) return { secretHashes: [chosenHash], secret: chosen }
  if (before && before.secretHashes.length > 0) return { secretHashes: before.secretHashes, secret: '' }
  const { secret, hash } = generateSecret()
  return { secretHashes: [hash], secret }
}

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
