// What a request must be before anybody looks at what it wants: its target, its header fields, its id.
import type { IncomingMessage } from 'node:http'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { newUuid } from '../../services/kit/random.js'

export interface Target {
  /** As it came: nothing is decoded or normalised. */
  readonly path: string
  readonly query: string
}

const maxFields = 100

/** Fields that say who calls or what is sent: of two, one reader would take the first and another the last. */
const singleFields: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'content-type',
  'content-encoding',
  'origin',
  'x-request-id',
])

/** The request's own id if it is harmless to repeat, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const id = request.headers['x-request-id']
  return typeof id === 'string' && /^[A-Za-z0-9._~+/=:-]{1,128}$/.test(id) ? id : newUuid()
}

export function checkFields({ rawHeaders }: IncomingMessage): void {
  if (rawHeaders.length > 2 * maxFields)
    throw new OAuthError('payload_too_large', `The request has more than ${maxFields} header fields.`)
  let seen: Set<string> | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    if (!singleFields.has(name)) continue
    seen ??= new Set()
    if (seen.has(name)) throw new OAuthError('invalid_request', `The header field ${name} was sent more than once.`)
    seen.add(name)
  }
}

/** The target of a request (RFC 9112 section 3.2); that of a request to a proxy is taken if it is for this host. */
export function targetOf({ url = '', headers }: IncomingMessage): Target {
  if (/[^\x21-\x7e]/.test(url)) throw new OAuthError('invalid_request', 'The request target is not valid.')
  const relative = url.startsWith('/') ? url : withoutAuthority(url, headers.host)
  const mark = relative.indexOf('?')
  return mark < 0 ? { path: relative, query: '' } : { path: relative.slice(0, mark), query: relative.slice(mark + 1) }
}

function withoutAuthority(url: string, host: string | undefined): string {
  const [, authority, rest = ''] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? []
  if (authority === undefined || authority !== host)
    throw new OAuthError('invalid_request', 'The request target is not valid.')
  return rest.startsWith('/') ? rest : `/${rest}`
}
