// Key sets on the admin port: Hydra's /admin/keys. Of a set that signs tokens the private parts are not given to anybody.
import type { Key, KeySet } from '#proto/token/v1/key_service.js'
import { sendJson, sendNothing } from '../../http/answer.js'
import { readJson } from '../../http/body.js'
import type { Context, Endpoint, Parts } from '../../http/endpoint.js'
import { JsonObject } from '../../json/json_object.js'

const namesOf = ({ state: { params } }: Context) => ({ set: params.set ?? '', kid: params.kid ?? '' })

const toJwk = ({ jwk, privateJwk }: Key) => privateJwk ?? jwk

const sendKeySet = (ctx: Context, keySet: KeySet | undefined): void =>
  sendJson(ctx, { keys: keySet?.keys.map(toJwk) ?? [] })

/** A set, or a set of the one key that the path names. */
export function getKeySet({ services }: Parts): Endpoint {
  return async (ctx) => {
    const request = { ...namesOf(ctx), withPrivate: true }
    sendKeySet(ctx, (await services.keys.getKeySet(request, ctx.state.call)).keySet)
  }
}

export function createKey({ services }: Parts): Endpoint {
  return async (ctx) => {
    const { set } = namesOf(ctx)
    const json = new JsonObject(await readJson(ctx))
    const request = { set, alg: json.text('alg'), kid: json.text('kid'), use: json.text('use') }
    const { key } = await services.keys.createKey(request, ctx.state.call)
    sendJson(ctx, { keys: key ? [toJwk(key)] : [] }, 201)
  }
}

export function replaceKeySet({ services }: Parts): Endpoint {
  return async (ctx) => {
    const { set } = namesOf(ctx)
    const jwks = new JsonObject({ jwks: await readJson(ctx) }).object('jwks')
    sendKeySet(ctx, (await services.keys.replaceKeySet({ set, jwks }, ctx.state.call)).keySet)
  }
}

/** The body says which key, as with Hydra. */
export function putKey({ services }: Parts): Endpoint {
  return async (ctx) => {
    const { set } = namesOf(ctx)
    const jwk = new JsonObject({ jwk: await readJson(ctx) }).object('jwk')
    const { key } = await services.keys.putKey({ set, jwk }, ctx.state.call)
    sendJson(ctx, key && toJwk(key))
  }
}

export function deleteKey({ services }: Parts): Endpoint {
  return async (ctx) => {
    await services.keys.deleteKey(namesOf(ctx), ctx.state.call)
    sendNothing(ctx)
  }
}

export function deleteKeySet({ services }: Parts): Endpoint {
  return async (ctx) => {
    const { set } = namesOf(ctx)
    await services.keys.deleteKeySet({ set }, ctx.state.call)
    sendNothing(ctx)
  }
}
