// Calls what no measured scenario calls, so that Prisma's statements of the rarer requests are seen too.
import { call, callForJson, get, sendJson } from '../load/http_client.js'
import type { BenchServer } from '../servers/server.js'

const sessions = '/admin/oauth2/auth/sessions'

/** Answers do not matter here; a statement is recorded before it is answered. */
export async function tour({ adminUrl }: Pick<BenchServer, 'adminUrl'>): Promise<void> {
  const client = { client_name: 'toured', grant_types: ['client_credentials'], scope: 'read' }
  const { client_id: id } = await callForJson(adminUrl, sendJson('POST', '/admin/clients', client))
  const paths = [
    '/admin/clients?page_size=2',
    '/clients?limit=2&offset=1',
    '/admin/clients?page_size=2&client_name=toured',
    '/admin/clients?page_size=2&owner=somebody',
    `${sessions}/consent?subject=nobody`,
    '/oauth2/auth/sessions/consent?subject=nobody&limit=2&offset=1',
    '/admin/keys/hydra.openid.id-token',
    '/admin/trust/grants/jwt-bearer/issuers',
  ]
  for (const path of paths) {
    const { headers } = await call(adminUrl, get(path))
    const next = /<([^>]+)>;\s*rel="next"/.exec(String(headers.link ?? ''))?.[1]
    if (next) await call(adminUrl, get(next))
  }
  await call(adminUrl, sendJson('PUT', `/admin/clients/${id}`, { ...client, scope: 'write' }))
  const key = { alg: 'ES256', use: 'sig', kid: 'toured' }
  await call(adminUrl, sendJson('POST', '/admin/keys/toured', key))
  const deletions = [
    '/admin/keys/toured/toured',
    '/admin/keys/toured',
    `${sessions}/consent?subject=nobody&all=true`,
    `${sessions}/consent?consent_request_id=00000000-0000-4000-8000-000000000000`,
    `${sessions}/login?subject=nobody`,
    `/admin/oauth2/tokens?client_id=${id}`,
    `/admin/clients/${id}`,
  ]
  for (const path of deletions) await call(adminUrl, { ...get(path), method: 'DELETE' })
}
