// The client service alone, on a database of its own, as the tests call it.
import { Client, type ClientServiceService } from '#proto/client/v1/client_service.js'
import { createClientService } from '../../services/client/main.js'
import type { OAuthError } from '../../services/kit/oauth_error.js'
import type { Remote, Service } from '../../services/kit/rpc/contract.js'
import { inProcess } from '../../services/kit/rpc/in_process.js'
import type { RunningService } from '../../services/kit/service.js'
import { testConfig } from './config.js'

export type Clients = Remote<typeof ClientServiceService>

export interface StartedClientService {
  readonly running: RunningService
  readonly service: Service<typeof ClientServiceService>
  /** In process, as an operator sees it. */
  readonly clients: Clients
}

export async function startClientService(dsn: string): Promise<StartedClientService> {
  const running = createClientService(testConfig({ dsn }), {})
  const service = running.services[0] as unknown as Service<typeof ClientServiceService>
  await running.start()
  return { running, service, clients: inProcess(service, 'operator') }
}

/** Registers a client of which only what matters is said; fails if it is not registered. */
export async function register(
  clients: Clients,
  metadata: Partial<Client> = {},
  clientSecret = '',
): Promise<{ client: Client; clientSecret: string }> {
  const created = await clients.createClient({ client: Client.create(metadata), clientSecret })
  if (!created.client) throw new Error('no client was answered')
  return { client: created.client, clientSecret: created.clientSecret }
}

/** The code and description that a call was refused with. */
export async function refusalOf(call: Promise<unknown>): Promise<Pick<OAuthError, 'code' | 'description' | 'hint'>> {
  const answer = await call.then(
    (value) => ({ value }),
    (thrown: OAuthError) => thrown,
  )
  if ('value' in answer) throw new Error(`it was not refused: ${JSON.stringify(answer.value)}`)
  const { code, description, hint } = answer
  return { code, description, hint }
}

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`
