// Clients on the admin port: Hydra's /admin/clients.
import { Client } from '#proto/client/v1/client_service.js'
import { sendJson, sendNothing } from '../../http/answer.js'
import { readJson, readQuery } from '../../http/body.js'
import type { Context, Endpoint, Parts } from '../../http/endpoint.js'
import { linkPages, pageOf } from '../../http/pages.js'
import { clientFromJson, clientToJson, lifespansFromJson, registrationToJson } from '../../json/client.js'

interface Answer {
  readonly client: Client | undefined
  readonly clientSecret?: string
}

/** Answers with a client, and with its secret where that is shown. */
export function sendClient(ctx: Context, { client, clientSecret }: Answer, status = 200): void {
  sendJson(ctx, client && clientToJson(client, clientSecret), status)
}

export const clientIdOf = (ctx: Context): string => ctx.state.params.id ?? ''

export function listClients({ services }: Parts): Endpoint {
  return async (ctx) => {
    const query = readQuery(ctx)
    const { client_name: clientName = '', owner = '' } = query
    const request = { ...pageOf(query), clientName, owner }
    const page = await services.clients.listClients(request, ctx.state.call)
    linkPages(ctx, query, page)
    sendJson(
      ctx,
      page.clients.map((client) => clientToJson(client)),
    )
  }
}

export function createClient({ config, services }: Parts): Endpoint {
  return async (ctx) => {
    const created = await services.clients.createClient(clientFromJson(await readJson(ctx)), ctx.state.call)
    ctx.res.setHeader('Location', `/admin/clients/${encodeURIComponent(created.client?.clientId ?? '')}`)
    sendJson(ctx, registrationToJson(config, created), 201)
  }
}

export function getClient({ services }: Parts): Endpoint {
  return async (ctx) => sendClient(ctx, await services.clients.getClient({ clientId: clientIdOf(ctx) }, ctx.state.call))
}

/** Sets everything; the path says which client, whatever the body says. */
export function setClient({ services }: Parts): Endpoint {
  return async (ctx) => {
    const { client, clientSecret } = clientFromJson(await readJson(ctx))
    const request = { client: { ...client, clientId: clientIdOf(ctx) }, updateMask: undefined, clientSecret }
    sendClient(ctx, await services.clients.updateClient(request, ctx.state.call))
  }
}

export function setClientLifespans({ services }: Parts): Endpoint {
  return async (ctx) => {
    const lifespans = lifespansFromJson(await readJson(ctx))
    const client = { ...Client.create(), clientId: clientIdOf(ctx), lifespans }
    const request = { client, updateMask: ['lifespans'], clientSecret: '' }
    sendClient(ctx, await services.clients.updateClient(request, ctx.state.call))
  }
}

export function deleteClient({ services }: Parts): Endpoint {
  return async (ctx) => {
    await services.clients.deleteClient({ clientId: clientIdOf(ctx) }, ctx.state.call)
    sendNothing(ctx)
  }
}

export function rotateClientSecret({ services }: Parts): Endpoint {
  return async (ctx) =>
    sendClient(ctx, await services.clients.rotateClientSecret({ clientId: clientIdOf(ctx) }, ctx.state.call))
}

export function dropRotatedClientSecrets({ services }: Parts): Endpoint {
  return async (ctx) =>
    sendClient(ctx, await services.clients.dropRotatedClientSecrets({ clientId: clientIdOf(ctx) }, ctx.state.call))
}
