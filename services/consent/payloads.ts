// What login and consent apps send along with their decisions: small, it travels in the verifier; large, it is stored and
// the verifier refers to it. Only apps that the operator trusts can fill that table, never the public.

import type { Flow } from '#proto/consent/v1/flow.js'
import { FlowPayload } from '#proto/consent/v1/flow.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Call } from '../kit/rpc/contract.js'
import type { Sealer } from '../kit/sealing.js'
import { type Stage as FlowStage, flowIdOf } from './flow.js'
import type { ConsentStore } from './store/consent_store.js'

/** Bytes that may travel in a verifier. */
const maxCarried = 1_000

/** Bytes of one JSON object that an app may send along. */
const maxJson = 64 * 1_024

/** Levels of a JSON object: google.protobuf.Struct is not decoded far beyond. */
const maxDepth = 30

/** The stages whose apps send something along. */
type Stage = Exclude<FlowStage, 'device'>

export interface Carried {
  readonly payload: FlowPayload | undefined
  readonly payloadStored: boolean
}

type Json = Readonly<Record<string, unknown>>

/** A JSON object as text; empty if there is none. Error: `invalid_request`. */
export function encodeJson(value: Json | undefined, name: string): string {
  if (value === undefined) return ''
  if (depthOf(value, maxDepth) > maxDepth)
    throw new OAuthError('invalid_request', `${name} is nested deeper than ${maxDepth} levels.`)
  const text = JSON.stringify(value)
  if (Buffer.byteLength(text) > maxJson)
    throw new OAuthError('invalid_request', `${name} is larger than ${maxJson} bytes.`)
  return text
}

export const decodeJson = (text: string): Record<string, unknown> | undefined =>
  text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>)

/** How deep a value is nested; no deeper than one beyond the limit is looked. */
function depthOf(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (limit === 0) return 1
  return 1 + Object.values(value).reduce<number>((depth, inner) => Math.max(depth, depthOf(inner, limit - 1)), 0)
}

const purpose = 'accepted payload'

export class Payloads {
  readonly #store: ConsentStore
  readonly #sealer: Sealer

  constructor(store: ConsentStore, sealer: Sealer) {
    this.#store = store
    this.#sealer = sealer
  }

  /** Puts the payload of a decision where it fits. Error: `conflict` where the decision had another one before. */
  async put(flow: Flow, stage: Stage, payload: FlowPayload, call: Call): Promise<Carried> {
    const encoded = Buffer.from(FlowPayload.encode(payload).finish())
    if (encoded.length <= maxCarried) return { payload: encoded.length > 0 ? payload : undefined, payloadStored: false }
    const key = { flowId: flowIdOf(flow), stage }
    if (!(await this.#store.createPayload(key, this.#sealer.seal(purpose, encoded), call))) {
      const stored = await this.#open(key, call)
      if (!stored?.equals(encoded))
        throw new OAuthError('conflict', 'Another decision was made on this request before.')
    }
    return { payload: undefined, payloadStored: true }
  }

  /** The payload of a decision. Error: `request_unauthorized` where it has expired. */
  async get(flow: Flow, stage: Stage, call: Call): Promise<FlowPayload> {
    const decided = flow[stage]
    if (!decided?.payloadStored) return decided?.payload ?? FlowPayload.fromPartial({})
    const stored = await this.#open({ flowId: flowIdOf(flow), stage }, call)
    if (!stored) throw new OAuthError('request_unauthorized', `The ${stage} request has expired; begin again.`)
    return FlowPayload.decode(stored)
  }

  async #open(key: { readonly flowId: string; readonly stage: Stage }, call: Call): Promise<Buffer | undefined> {
    const sealed = await this.#store.findPayload(key, call)
    return sealed && this.#sealer.open(purpose, sealed)
  }
}
