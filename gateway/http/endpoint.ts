// What an endpoint is: one function of Koa's context, made once for a gateway.
import type Koa from 'koa'
import type { Config } from '../../services/kit/config/config.js'
import type { CallOptions } from '../../services/kit/rpc/contract.js'
import type { GatewayServices } from '../services.js'

export interface RequestState {
  /** What every call to a service is told of the request. */
  readonly call: CallOptions
  /** The query as it came, without `?`. */
  query: string
  /** The variable segments of the path, decoded. */
  params: Readonly<Record<string, string>>
}

export type Context = Koa.ParameterizedContext<RequestState, object>

export type Endpoint = (ctx: Context) => Promise<void> | void

/** What an endpoint is made from. */
export interface Gateway {
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
  readonly endpoint: (gateway: Gateway) => Endpoint
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
}
