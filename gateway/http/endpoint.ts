// What an endpoint is: one function of Koa's context, made once for a gateway.
import type Koa from 'koa'
import type { ClientCredentials } from '#proto/client/v1/client_service.js'
import { monotonicMs } from '../../services/kit/clock.js'
import type { Config } from '../../services/kit/config/config.js'
import type { CallOptions } from '../../services/kit/rpc/contract.js'
import type { GatewayServices } from '../services.js'

/** What is known of a request beside what Koa knows. */
export class RequestState {
  readonly requestId: string
  /** The query as it came, without `?`. */
  query = ''
  /** The variable segments of the path, decoded. */
  params: Readonly<Record<string, string>> = {}
  /** What the client showed of itself, good or not; undefined where it is not known which client it is. */
  shownBy: ClientCredentials | undefined
  readonly #deadlineMs: number
  #call: CallOptions | undefined

  /** `deadlineMs`: milliseconds that the services have in all. */
  constructor(requestId: string, deadlineMs: number) {
    this.requestId = requestId
    this.#deadlineMs = deadlineMs
  }

  /** What every call to a service is told. The time runs from the first one: a slow sender does not shorten it. */
  get call(): CallOptions {
    this.#call ??= { requestId: this.requestId, deadline: monotonicMs() + this.#deadlineMs }
    return this.#call
  }
}

export type Context = Koa.ParameterizedContext<RequestState, object>

export type Endpoint = (ctx: Context) => Promise<void> | void

/** What an endpoint is made from. */
export interface Parts {
  readonly config: Config
  readonly services: GatewayServices
  /** The URLs of the endpoints that metadata names, by the name of the member (RFC 8414 section 2). */
  readonly endpointUrls: Readonly<Record<string, string>>
  /** Whether all that the endpoints need can be used now. */
  readonly isReady: () => boolean
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One row of the table of routes. */
export interface Route {
  readonly methods: readonly Method[]
  /** An exact path; a segment in braces stands for any one segment. */
  readonly path: string
  readonly endpoint: (parts: Parts) => Endpoint
  /** Where the endpoint is specified. */
  readonly specification: string
  /** The member of the server's metadata that has its URL. */
  readonly metadata?: string
  /** Pages of other origins may call it. */
  readonly cors?: true
  /** A browser shows its answers: errors are pages. */
  readonly page?: true
  /** Whoever watches over the process may call it without a token of the admin API. */
  readonly open?: true
  /** Where it is served; everywhere if absent. */
  readonly when?: (config: Config) => boolean
}
