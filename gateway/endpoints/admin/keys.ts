// Key sets on the admin port: Hydra's /admin/keys, without private parts.
import { sendJson } from '../../http/answer.js'
import type { Endpoint, Parts } from '../../http/endpoint.js'

export function getKeySet({ services }: Parts): Endpoint {
  return async (ctx) => {
    const { keySet } = await services.keys.getKeySet({ set: ctx.state.params.set ?? '' }, ctx.state.call)
    sendJson(ctx, { keys: keySet?.keys.map(({ jwk }) => jwk) ?? [] })
  }
}
