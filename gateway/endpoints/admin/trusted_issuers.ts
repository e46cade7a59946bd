// Trusted issuers of the JWT bearer grant on the admin port: Hydra's /admin/trust/grants/jwt-bearer/issuers.
import type { TrustedIssuer } from '#proto/token/v1/trusted_issuer_service.js'
import { sendJson, sendNothing } from '../../http/answer.js'
import { readJson, readQuery } from '../../http/body.js'
import type { Context, Endpoint, Parts } from '../../http/endpoint.js'
import { linkPages, pageOf } from '../../http/pages.js'
import { trustedIssuerFromJson, trustedIssuerToJson } from '../../json/trusted_issuer.js'

const sendIssuer = (ctx: Context, trusted: TrustedIssuer | undefined, status = 200): void =>
  sendJson(ctx, trusted && trustedIssuerToJson(trusted), status)

const idOf = (ctx: Context): string => ctx.state.params.id ?? ''

export function createTrustedIssuer({ services }: Parts): Endpoint {
  return async (ctx) => {
    const request = { trustedIssuer: trustedIssuerFromJson(await readJson(ctx)) }
    const { trustedIssuer } = await services.trustedIssuers.createTrustedIssuer(request, ctx.state.call)
    ctx.res.setHeader('Location', `/admin/trust/grants/jwt-bearer/issuers/${trustedIssuer?.id ?? ''}`)
    sendIssuer(ctx, trustedIssuer, 201)
  }
}

export function getTrustedIssuer({ services }: Parts): Endpoint {
  return async (ctx) => {
    const { trustedIssuer } = await services.trustedIssuers.getTrustedIssuer({ id: idOf(ctx) }, ctx.state.call)
    sendIssuer(ctx, trustedIssuer)
  }
}

export function listTrustedIssuers({ services }: Parts): Endpoint {
  return async (ctx) => {
    const query = readQuery(ctx)
    const request = { ...pageOf(query), issuer: query.issuer ?? '' }
    const page = await services.trustedIssuers.listTrustedIssuers(request, ctx.state.call)
    linkPages(ctx, query, page)
    sendJson(ctx, page.trustedIssuers.map(trustedIssuerToJson))
  }
}

export function deleteTrustedIssuer({ services }: Parts): Endpoint {
  return async (ctx) => {
    await services.trustedIssuers.deleteTrustedIssuer({ id: idOf(ctx) }, ctx.state.call)
    sendNothing(ctx)
  }
}
