import { Lifespans } from '#proto/client/v1/client_service.js'
/** Throws if the client lacks what the server sets. */
export function toRow({ client, secretHashes }) {
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
  }
}
export function fromRow({ secretHashes, ...row }) {
  const client = {
    ...row,
    jwks: fromJson(row.jwks),
    metadata: fromJson(row.metadata),
    lifespans: row.lifespans === null ? undefined : Lifespans.create(fromJson(row.lifespans)),
  }
  return { client, secretHashes }
}
const toJson = (value) => (value === undefined ? null : JSON.stringify(value))
const fromJson = (text) => (text === null ? undefined : JSON.parse(text))
//# sourceMappingURL=client_row.js.map
