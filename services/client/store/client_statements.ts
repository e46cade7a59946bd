// The statements on a server's hot paths that read and write clients. What a client is made of stands in the schema alone: the
// columns follow from it.
import { Prisma } from '#prisma/client/client.js'
import type { Statement } from '../../kit/database.js'

const fields = Object.keys(Prisma.ClientScalarFieldEnum)

/** `clientName` as `client_name`: the schema maps every field so. */
export const columnOf = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const columns = fields.map(columnOf).join(', ')

/** $1 the clients. */
export const findClients: Statement = {
  name: 'find_clients',
  text: `SELECT ${fields.map((field) => `${columnOf(field)} AS "${field}"`).join(', ')} FROM client WHERE client_id = ANY($1)`,
}

/**
 * Creates the clients whose ids are free, each with its entry in the log of changes; returns their ids in the order of the
 * entries. $1 the writer, $2 its first number, $3 the rows as a JSON array.
 */
export const createClients: Statement = {
  name: 'create_clients',
  text: `
    WITH created AS (
      INSERT INTO client (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::client, $3)
      ON CONFLICT (client_id) DO NOTHING
      RETURNING client_id, revision, registration_id
    )
    INSERT INTO client_change (writer, seq, client_id, revision, deleted, registration_id)
    SELECT $1, $2::bigint + row_number() OVER () - 1, client_id, revision, false, registration_id FROM created
    RETURNING seq, client_id AS "clientId"`,
}
