// What a scenario is: one kind of request or flow, prepared at a server and then driven there.
import type { BenchClient, Dialect, MachineClient } from '../dialects/dialect.js'
import { call, callForJson, postForm } from '../load/http_client.js'
import { keyKindOf } from '../load/jwt.js'
import type { Limit, Load } from '../load/meter.js'
import type { ServerAddress } from '../servers/server.js'

export interface World {
  readonly server: ServerAddress
  /** Undefined where the server speaks no HTTP. */
  readonly dialect: Dialect | undefined
  /** Calls under way at once. */
  readonly concurrency: number
  /** Requests that a connection has under way, where single requests are sent over HTTP. */
  readonly pipelining: number
}

/** A scenario that is ready to be driven. */
export interface Drive {
  /** The kind of tokens and of the keys that sign them. */
  readonly kind: string
  /** Brings what so many operations use up; not measured. */
  readonly refill?: (operations: number) => Promise<void>
  readonly run: (limit: Limit) => Promise<Load>
  readonly finish?: () => Promise<void> | void
}

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly runsAt: (server: ServerAddress) => boolean
  /** Operations in a round, where each uses something up; else a round is a time. */
  readonly operations?: number
  /** Where an operation is many requests, of which each is rare, it takes longer until all that they run is compiled. */
  readonly warmUpSeconds?: number
  /** How many times as long as others a round is; absent: once. So that it has about as many operations. */
  readonly timesAsLong?: number
  readonly prepare: (world: World) => Promise<Drive>
}

export const overHttp = ({ publicUrl, decidesAt }: ServerAddress): boolean =>
  publicUrl !== '' && decidesAt === undefined
export const overGrpc = ({ grpc }: ServerAddress): boolean => grpc !== ''
/** The in-memory adapter of oidc-provider forgets what is more than 1,000 entries. */
export const remembers = (server: ServerAddress): boolean => overHttp(server) && !server.name.includes('in-memory')

export function dialectOf({ dialect, server }: World): Dialect {
  if (!dialect) throw new Error(`${server.name} speaks no HTTP`)
  return dialect
}

/** Does something so many times, a few at once. */
export async function repeat<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const hand = async () => {
    while (next < count) {
      const index = next++
      results[index] = await work(index)
    }
  }
  await Promise.all(Array.from({ length: 8 }, hand))
  return results
}

export const machineRequest = (dialect: Dialect, machine: MachineClient) =>
  postForm(dialect.paths.token, { grant_type: 'client_credentials', ...machine.parameters }, machine.headers)

/** Access tokens by client credentials. */
export async function mintTokens(dialect: Dialect, machine: MachineClient, count: number): Promise<string[]> {
  const request = machineRequest(dialect, machine)
  return repeat(count, async () => String((await callForJson(dialect.publicUrl, request)).access_token))
}

export async function revokeToken(dialect: Dialect, client: BenchClient, token: string): Promise<void> {
  const request = postForm(dialect.paths.revocation, { token }, client.headers)
  const { status, body } = await call(dialect.publicUrl, request)
  if (status !== 200) throw new Error(`the revocation was answered with ${status}: ${body}`)
}

export const kindOf = (dialect: Dialect, token: string): Promise<string> =>
  keyKindOf(token, dialect.publicUrl, dialect.paths.jwks)

/** Takes values one after the other, and then from the beginning. */
export function inTurn<T>(values: readonly T[]): () => T {
  let next = 0
  return () => values[next++ % values.length] as T
}
