// The two that are compared: one on a database that is almost empty, one on a database that has grown, on one PostgreSQL.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type pg from 'pg'
import { projectRoot } from '../../services/kit/project_root.js'
import { redirectUri } from '../dialects/dialect.js'
import { HydraDialect } from '../dialects/hydra.js'
import { callForJson, sendJson } from '../load/http_client.js'
import { logIn } from '../scenarios/log_in.js'
import type { BenchDatabase } from '../servers/database.js'
import { startTessera } from '../servers/index.js'
import type { BenchServer } from '../servers/server.js'
import type { Template } from './population.js'
import type { SampledClient } from './sample.js'

/** `folder`: where the sample and the statements that it sends go. */
export async function startOn(postgres: BenchDatabase, database: string, folder: string): Promise<BenchServer> {
  const recorder = pathToFileURL(join(projectRoot, 'build/bench/growth/record_process.js')).href
  const server = await startTessera(postgres, {
    name: database,
    database,
    environment: { BENCH_STATEMENTS: statementsFile(folder) },
    nodeOptions: ['--import', recorder],
  })
  return { ...server, population: join(folder, `${database}.json`) }
}

export const statementsFile = (folder: string): string => join(folder, 'statements.jsonl')

export interface Original extends Template, SampledClient {}

/** One client that may do all that is measured, and one flow of it with a login that is remembered. */
export async function makeOriginal(server: BenchServer, client: pg.Client): Promise<Original> {
  const dialect = new HydraDialect(server.publicUrl, server.adminUrl, true)
  const registered = await callForJson(
    server.adminUrl,
    sendJson('POST', '/admin/clients', {
      client_name: 'An app of many',
      owner: 'a platform team',
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      redirect_uris: [redirectUri],
      scope: 'openid offline_access',
      id_token_signed_response_alg: 'ES256',
    }),
  )
  const [clientId, secret] = [String(registered.client_id), String(registered.client_secret)]
  const headers = {
    authorization: `Basic ${Buffer.from(`${clientId}:${encodeURIComponent(secret)}`).toString('base64')}`,
  }
  await logIn(dialect, { id: clientId, headers }, { subject: 'user-00000000', remember: true })
  const { rows } = await client.query<Omit<Original, 'secret' | 'clientId'>>(
    `SELECT c.id AS "flowId", coalesce(c.login_session_id, c.id) AS "loginSessionId", client.revision
       FROM consent.consent_session c JOIN client.client USING (client_id) WHERE client_id = $1`,
    [clientId],
  )
  const [row] = rows
  if (!row) throw new Error('the flow left no consent session')
  return { clientId, secret, ...row }
}
