// The published keys: RFC 7517 section 5, OpenID Connect Discovery 1.0 section 3 (`jwks_uri`). Each key tells its set in the
// member `key_set`, so that who verifies access tokens need not trust the keys of other sets.
import type { GetPublishedKeysResponse } from '#proto/token/v1/key_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { sendJsonText } from '../http/answer.js'
import type { Endpoint, Parts } from '../http/endpoint.js'
import { KeptAnswer } from '../http/kept_answer.js'

interface Published {
  readonly revision: string
  readonly etag: string
  readonly document: string
}

/** Together with the time in which the token service learns of a key, less than a second. */
const keptMs = 250

/**
 * A key signs once it has been published for `publish_before_use`. The age here and the age at readers add up, and both
 * together stay well below that.
 */
export function jwks({ config, services }: Parts): Endpoint {
  const publishMs = config.keys.publish_before_use * 1_000
  const cacheControl = `public, max-age=${Math.min(3_600, Math.floor(publishMs / 4_000))}`
  const published = new KeptAnswer<Published>({
    name: 'published keys',
    maxAgeMs: Math.min(keptMs, publishMs / 8),
    maxStaleMs: publishMs / 4,
    load: async (call, last) => {
      const answer = await services.keys.getPublishedKeys({}, call)
      return last?.revision === answer.revision ? last : toPublished(answer)
    },
  })
  return async (ctx) => {
    const { etag, document } = await published.get(ctx.state.call)
    ctx.status = 200
    ctx.res.setHeader('ETag', etag)
    ctx.res.setHeader('Cache-Control', cacheControl)
    if (ctx.req.headers['if-none-match'] !== undefined && ctx.fresh) ctx.status = 304
    else sendJsonText(ctx, document)
  }
}

function toPublished({ revision, keySets }: GetPublishedKeysResponse): Published {
  const keys = keySets.flatMap(({ set, keys }) => keys.map(({ jwk }) => ({ ...jwk, key_set: set })))
  if (keys.length === 0) throw new OAuthError('temporarily_unavailable', 'No key is published yet.')
  const etag = `"${revision.replace(/[^\x21\x23-\x7e]/g, '')}"`
  return { revision, etag, document: JSON.stringify({ keys }) }
}
