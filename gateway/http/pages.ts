// Lists in pages, asked for in either of two ways: by size and token, or by limit and offset as in Hydra v1. The `Link` header
// field leads on (RFC 8288).
import { OAuthError } from '../../services/kit/oauth_error.js'
import type { Context } from './endpoint.js'

const largest = 500
const usual = 100
const maxOffset = 0x7fff_ffff

export interface PageRequest {
  /** 0: as the service likes. */
  readonly pageSize: number
  readonly pageToken: string
  /** How many to leave out; undefined where the page is asked for by size and token. */
  readonly offset: number | undefined
}

/** What a service says of a page. */
export interface PageAnswer {
  readonly nextPageToken: string
  /** How many there are on all pages, where an offset was asked for. */
  readonly totalSize: number
}

type Query = Readonly<Record<string, string>>

/** The page that a query asks for. A size above the largest counts as that. */
export function pageOf({ limit, offset, page_size: size, page_token: pageToken }: Query): PageRequest {
  if (limit === undefined && offset === undefined)
    return { pageSize: numberOf('page_size', size, largest), pageToken: pageToken ?? '', offset: undefined }
  if (size !== undefined || pageToken !== undefined)
    throw new OAuthError(
      'invalid_request',
      "A page is asked for by 'limit' and 'offset' or by 'page_size', not by both.",
    )
  const pageSize = numberOf('limit', limit, largest) || usual
  return { pageSize, pageToken: '', offset: numberOf('offset', offset, maxOffset) }
}

function numberOf(name: string, text: string | undefined, most: number): number {
  if (!/^\d{1,10}$/.test(text ?? '0'))
    throw new OAuthError('invalid_request', `The parameter '${name}' must be a number.`)
  return Math.min(Number(text ?? 0), most)
}

/** Names the first page, the next and, where pages are counted, the one before and the last; all keep the rest of the query. */
export function linkPages(ctx: Context, query: Query, answer: PageAnswer): void {
  const { limit: _limit, offset: _offset, page_token: _token, ...others } = query
  const path = ctx.req.url?.split('?', 1)[0] ?? ''
  const link = (rel: string, parameters: Query) => {
    const encoded = new URLSearchParams({ ...others, ...parameters }).toString()
    return `<${path}${encoded && `?${encoded}`}>; rel="${rel}"`
  }
  const page = pageOf(query)
  if (page.offset !== undefined) {
    ctx.res.setHeader('X-Total-Count', answer.totalSize)
    ctx.res.setHeader('Link', countedLinks(page.pageSize, page.offset, answer.totalSize, link).join(','))
    return
  }
  const links = [link('first', {})]
  if (answer.nextPageToken) links.push(link('next', { page_token: answer.nextPageToken }))
  ctx.res.setHeader('Link', links.join(','))
}

function countedLinks(
  limit: number,
  offset: number,
  total: number,
  link: (rel: string, parameters: Query) => string,
): string[] {
  const at = (rel: string, start: number) => link(rel, { limit: String(limit), offset: String(start) })
  const last = total === 0 ? 0 : Math.floor((total - 1) / limit) * limit
  return [
    at('first', 0),
    ...(offset > 0 ? [at('prev', Math.max(0, Math.min(offset - limit, last)))] : []),
    ...(offset + limit < total ? [at('next', offset + limit)] : []),
    at('last', last),
  ]
}
