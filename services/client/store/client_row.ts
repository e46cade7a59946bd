// A client as a row of the table and as a message: the names are the same, only what may be absent differs.
import type { Client as Row } from '#prisma/client/client.js'
import { type Client, Lifespans } from '#proto/client/v1/client_service.js'
import { columnOf } from './client_statements.js'

/** A client with what is kept of its secrets. */
export interface StoredClient {
  readonly client: Client
  /** Newest first; none for a public client. */
  readonly secretHashes: readonly string[]
  /** Of the registration access token; empty: there is none. */
  readonly registrationTokenHash: string
}

/** Throws if the client lacks what the server sets. */
export function toRow({ client, secretHashes, registrationTokenHash }: StoredClient) {
  const { createdAt, updatedAt, jwks, metadata, lifespans } = client
  if (!createdAt || !updatedAt) throw new Error('a client to be stored has its times')
  return {
    ...client,
    createdAt,
    updatedAt,
    jwks: toJson(jwks),
    metadata: toJson(metadata),
    lifespans: toJson(lifespans),
    secretHashes: [...secretHashes],
    registrationTokenHash,
  }
}

/** The row as `createClients` takes it: its columns by their names. */
export const toColumns = (stored: StoredClient): Record<string, unknown> =>
  Object.fromEntries(Object.entries(toRow(stored)).map(([field, value]) => [columnOf(field), value]))

export function fromRow({ secretHashes, registrationTokenHash, ...row }: Row): StoredClient {
  const client: Client = {
    ...row,
    jwks: fromJson(row.jwks),
    metadata: fromJson(row.metadata),
    lifespans: row.lifespans === null ? undefined : Lifespans.create(fromJson(row.lifespans)),
  }
  return { client, secretHashes, registrationTokenHash }
}

const toJson = (value: object | undefined): string | null => (value === undefined ? null : JSON.stringify(value))

const fromJson = (text: string | null): { [name: string]: unknown } | undefined =>
  text === null ? undefined : JSON.parse(text)
