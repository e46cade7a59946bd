// Some of what a database was filled with, spread over all of it, in a file: the load generator calls for these.
import { writeFileSync } from 'node:fs'
import type pg from 'pg'
import { Sealer } from '../../services/kit/sealing.js'
import { encodeRefreshToken } from '../../services/token/tokens/refresh_token.js'
import { basicOf } from '../dialects/dialect.js'
import { systemSecret } from '../servers/index.js'
import { clientIdOf, clientOf, grantIdOf, type Size, subjectOf } from './population.js'

export interface SampledGrant {
  readonly refreshToken: string
  readonly subject: string
  readonly clientId: string
  /** The header fields that authenticate the client. */
  readonly headers: Record<string, string>
}

/** Every client has the secret of the one that it is a copy of. */
export interface SampledClient {
  readonly secret: string
  readonly revision: number
}

/** Grants in all, and clients that they belong to, the same number whatever the size: so caches find as much in each. */
const sampledGrants = 6_000

export async function writeSample(
  client: pg.Client,
  { grants, clients }: Size,
  { secret, revision }: SampledClient,
  file: string,
): Promise<void> {
  const sealer = new Sealer([systemSecret])
  const { rows } = await client.query<{ id: string; subject: string; clientId: string; generation: number }>(
    `SELECT g.id, g.generation, ${subjectOf('s.n')} AS subject, ${clientIdOf(clientOf('s.n', clients))} AS "clientId"
       FROM (SELECT DISTINCT floor(i::float8 * $1 / $2)::bigint AS n FROM generate_series(0, $2::int - 1) AS i) AS s
       JOIN token."grant" g ON g.id = ${grantIdOf('s.n')} AND g.revoked_at IS NULL ORDER BY md5(s.n::text)`,
    [grants, sampledGrants],
  )
  const sample = rows.map(({ id, subject, clientId, generation }): SampledGrant => {
    const token = { grantId: id, generation, clientRevision: revision }
    return {
      subject,
      clientId,
      refreshToken: encodeRefreshToken(sealer, token),
      headers: basicOf(clientId, secret),
    }
  })
  writeFileSync(file, JSON.stringify(sample))
}
