// Clients that register themselves, and what their holders do with the registration access token (RFC 7591, RFC 7592).
import { Client } from '#proto/client/v1/client_service.js'
import type {
  DeleteRegisteredClientRequest,
  GetRegisteredClientRequest,
  RegisterClientRequest,
  RegisterClientResponse,
  UpdateRegisteredClientRequest,
  UpdateRegisteredClientResponse,
} from '#proto/client/v1/registration_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Call } from '../kit/rpc/contract.js'
import { updatableFields } from './client_metadata.js'
import type { Registration } from './registration.js'
import { invalidToken, type RegistrationTokens } from './registration_tokens.js'
import {
  asHolderSees,
  checkOperatorFields,
  mergeAsHolder,
  type SelfRegistrationPolicy,
} from './self_registration_policy.js'
import type { StoredClient } from './store/client_store.js'

export class SelfRegistration {
  readonly #registration: Registration
  readonly #tokens: RegistrationTokens
  readonly #policy: SelfRegistrationPolicy

  constructor(registration: Registration, tokens: RegistrationTokens, policy: SelfRegistrationPolicy) {
    this.#registration = registration
    this.#tokens = tokens
    this.#policy = policy
  }

  async register({ client: requested, clientSecret }: RegisterClientRequest): Promise<RegisterClientResponse> {
    if (clientSecret !== '') throw new OAuthError('invalid_request', 'The client must not choose its client_secret.')
    const wanted = Client.create(requested)
    checkOperatorFields(wanted)
    this.#policy.check(this.#registration.complete(wanted))
    const request = { client: { ...wanted, clientId: '' }, clientSecret: '' }
    const registered = await this.#registration.create(request, { selfRegistered: true })
    return { ...registered, client: registered.client && asHolderSees(registered.client) }
  }

  async get({ clientId, registrationAccessToken: token }: GetRegisteredClientRequest, call: Call): Promise<Client> {
    const { client } = await this.#asHolder(token, async () => {
      const stored = await this.#registration.get(clientId, call)
      this.#tokens.checkNewest(token, stored)
      return stored
    })
    return asHolderSees(client)
  }

  async update(request: UpdateRegisteredClientRequest, call: Call): Promise<UpdateRegisteredClientResponse> {
    const requested = Client.create(request.client)
    let newToken = ''
    const replacement = (before: StoredClient) => {
      this.#tokens.checkNewest(request.registrationAccessToken, before)
      if (request.clientSecret !== '')
        throw new OAuthError('request_forbidden', 'The client must not choose its client_secret.')
      checkOperatorFields(requested)
      const metadata = mergeAsHolder(before.client, requested, updatableFields.values())
      this.#policy.check(this.#registration.complete(metadata), before.client)
      const { token, hash } = this.#tokens.issue(before.client.registrationId)
      newToken = token
      return { metadata, clientSecret: '', registrationTokenHash: hash }
    }
    const updated = await this.#asHolder(request.registrationAccessToken, () =>
      this.#registration.replace(requested.clientId, call, replacement),
    )
    return { ...updated, client: updated.client && asHolderSees(updated.client), registrationAccessToken: newToken }
  }

  delete({ clientId, registrationAccessToken: token }: DeleteRegisteredClientRequest, call: Call): Promise<void> {
    const check = (stored: StoredClient) => this.#tokens.checkNewest(token, stored)
    return this.#asHolder(token, () => this.#registration.delete(clientId, call, check))
  }

  /** A client that is not there is one that the token is not good for. */
  async #asHolder<T>(token: string, work: () => Promise<T>): Promise<T> {
    this.#tokens.check(token)
    try {
      return await work()
    } catch (thrown) {
      throw thrown instanceof OAuthError && thrown.code === 'not_found' ? invalidToken() : thrown
    }
  }
}
