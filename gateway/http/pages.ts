// Lists in pages: the parameters that ask for one and the `Link` header field that leads on (RFC 8288).
import { OAuthError } from '../../services/kit/oauth_error.js'
import type { Context } from './endpoint.js'

const largest = 500

export interface PageRequest {
  /** 0: as the service likes. */
  readonly pageSize: number
  readonly pageToken: string
}

/** The page that a query asks for. A size above the largest counts as that. */
export function pageOf({ page_size: size = '0', page_token: pageToken = '' }: Record<string, string>): PageRequest {
  if (!/^\d{1,10}$/.test(size)) throw new OAuthError('invalid_request', "The parameter 'page_size' must be a number.")
  return { pageSize: Math.min(Number(size), largest), pageToken }
}

/** Names the first page and, where there is one, the next; both keep the other parameters of the query. */
export function linkPages(ctx: Context, query: Record<string, string>, nextPageToken: string): void {
  const { page_token: _, ...others } = query
  const path = ctx.req.url?.split('?', 1)[0] ?? ''
  const link = (rel: string, parameters: Record<string, string>) => {
    const encoded = new URLSearchParams(parameters).toString()
    return `<${path}${encoded && `?${encoded}`}>; rel="${rel}"`
  }
  const links = [link('first', others)]
  if (nextPageToken) links.push(link('next', { ...others, page_token: nextPageToken }))
  ctx.res.setHeader('Link', links.join(','))
}
