// Registers, changes and deletes clients (RFC 7591, RFC 7592). A change is made to what was read and takes effect only if
// that is still there; else it is made again to what is there now.
import { Client } from '#proto/client/v1/client_service.js'
import { nowMs } from '../kit/clock.js'
import { OAuthError } from '../kit/oauth_error.js'
import { newUuid } from '../kit/random.js'
import { usesSecret } from './authentication/index.js'
import { checkMetadata, completeMetadata, isClientId, updatableFields } from './client_metadata.js'
import { generateSecret, rotatedHashes } from './client_secret.js'

/** How often a change is made again before the caller has to. */
const maxAttempts = 5
export class Registration {
  #store
  #secrets
  constructor(store, secrets) {
    this.#store = store
    this.#secrets = secrets
  }
  async find(clientId, call) {
    return isClientId(clientId) ? this.#store.find(clientId, call) : undefined
  }
  /** Error: `not_found`. */
  async get(clientId, call) {
    const stored = await this.find(clientId, call)
    if (!stored) throw new OAuthError('not_found', 'There is no client with this client_id.')
    return stored
  }
  async create({ client: requested, clientSecret }) {
    const now = new Date(nowMs())
    const client = {
      ...completeMetadata(Client.create(requested)),
      clientId: requested?.clientId || newUuid(),
      createdAt: now,
      updatedAt: now,
      revision: 1,
      registrationId: newUuid(),
    }
    checkMetadata(client)
    const chosenHash = await this.#hashChosen(client, clientSecret)
    const { secret, secretHashes } = secretsAfter(undefined, client, clientSecret, chosenHash)
    await this.#store.create({ client, secretHashes })
    return { client, clientSecret: secret }
  }
  async update(request, call) {
    const requested = Client.create(request.client)
    const fields = fieldsOf(request.updateMask ?? [])
    let chosenHash
    const { client, secret } = await this.#change(requested.clientId, call, async (before) => {
      const metadata = completeMetadata(merge(before.client, requested, fields))
      checkMetadata(metadata)
      chosenHash ??= await this.#hashChosen(metadata, request.clientSecret)
      return { metadata, ...secretsAfter(before, metadata, request.clientSecret, chosenHash) }
    })
    return { client, clientSecret: secret }
  }
  rotateSecret(clientId, call) {
    return this.#change(clientId, call, async ({ client, secretHashes }) => {
      if (secretHashes.length === 0) throw new OAuthError('invalid_request', 'The client has no secret to rotate.')
      const { secret, hash } = generateSecret()
      return { metadata: client, secret, secretHashes: rotatedHashes(hash, secretHashes) }
    })
  }
  dropRotatedSecrets(clientId, call) {
    return this.#change(clientId, call, async ({ client, secretHashes }) => ({
      metadata: client,
      secretHashes: secretHashes.slice(0, 1),
      secret: '',
    }))
  }
  async delete(clientId, call) {
    for (let attempt = 0; attempt < maxAttempts; attempt++)
      if (await this.#store.delete(await this.get(clientId, call))) return
    throw busy()
  }
  async #change(clientId, call, change) {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const before = await this.get(clientId, call)
      const { metadata, secretHashes, secret } = await change(before)
      const client = { ...metadata, updatedAt: new Date(nowMs()), revision: before.client.revision + 1 }
      if (await this.#store.replace(before, { client, secretHashes })) return { client, secret }
    }
    throw busy()
  }
  /** The hash of a secret that came with the request; undefined where there is none or the client uses none. */
  async #hashChosen(client, chosen) {
    return chosen && usesSecret(client.tokenEndpointAuthMethod) ? this.#secrets.hashChosen(chosen) : undefined
  }
}
const busy = () => new OAuthError('conflict', 'The client is being changed by others at the same time; try again.')
/** What the client's secrets are after a change of its metadata, and the one to show. */
function secretsAfter(before, { tokenEndpointAuthMethod }, chosen, chosenHash) {
  if (!usesSecret(tokenEndpointAuthMethod)) return { secretHashes: [], secret: '' }
  if (chosenHash) return { secretHashes: [chosenHash], secret: chosen }
  if (before && before.secretHashes.length > 0) return { secretHashes: before.secretHashes, secret: '' }
  const { secret, hash } = generateSecret()
  return { secretHashes: [hash], secret }
}
/** The fields that a mask names; all that can be set for an empty one. */
function fieldsOf(mask) {
  if (mask.length === 0) return [...updatableFields.values()]
  return mask.map((name) => {
    const field = updatableFields.get(name)
    if (!field) throw new OAuthError('invalid_request', 'update_mask names a field that cannot be set.')
    return field
  })
}
const merge = (before, requested, fields) => ({
  ...before,
  ...Object.fromEntries(fields.map((field) => [field, requested[field]])),
})
//# sourceMappingURL=registration.js.map
