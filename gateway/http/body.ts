// Reads request bodies: within a limit, of the content types that are allowed, as strict UTF-8.
import { parse } from 'content-type'
import getRawBody from 'raw-body'
import { parseJson } from '../../services/kit/json_text.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import type { Context } from './endpoint.js'
import { type Parameters, parseParameters, parseUnique } from './parameters.js'

const KiB = 1024
const formType = 'application/x-www-form-urlencoded'
const formLimit = 128 * KiB
const jsonLimit = 1024 * KiB
const jsonTypes: ReadonlySet<string> = new Set(['application/json', 'application/json-patch+json'])

/** Strict, and a byte order mark is no part of a form or of JSON. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The form of a request that may be sent as one only (RFC 6749 section 3.2). What the query has is not taken, but may
 * not repeat what the form has.
 */
export async function readForm(ctx: Context, limit = formLimit): Promise<Record<string, string>> {
  const form = await formText(ctx, limit)
  if (ctx.state.query === '') return parseUnique(form)
  parseUnique(ctx.state.query, form)
  return parseUnique(form)
}

/** The parameters of a request that may come as a query or, by POST, as a form (OpenID Connect Core section 3.1.2.1). */
export async function readQueryOrForm(ctx: Context): Promise<Parameters> {
  return ctx.method === 'POST'
    ? parseParameters(ctx.state.query, await formText(ctx, formLimit))
    : parseParameters(ctx.state.query)
}

/** The parameters of the query alone. */
export const readQuery = (ctx: Context): Record<string, string> => parseUnique(ctx.state.query)

/**
 * The JSON of a request; undefined if it has no body. Tools send JSON without a content type or with that of a form, and
 * are understood; browsers are not (see admin_guard.ts).
 */
export async function readJson(ctx: Context, limit = jsonLimit): Promise<unknown> {
  if (!hasBody(ctx)) return undefined
  const type = contentType(ctx)
  if (type !== '' && type !== formType && !jsonTypes.has(type)) throw unsupported('application/json')
  const text = await readText(ctx, limit)
  return text === '' ? undefined : parseJson(text)
}

/** Whether the content type is a form's. */
export const hasForm = (ctx: Context): boolean => hasBody(ctx) && contentType(ctx) === formType

/** Whether the content type is JSON's. */
export const isJson = (ctx: Context): boolean => jsonTypes.has(contentType(ctx))

export const hasBody = (ctx: Context): boolean => {
  const { 'content-length': length, 'transfer-encoding': coding } = ctx.req.headers
  return coding !== undefined || (length !== undefined && length !== '0')
}

async function formText(ctx: Context, limit: number): Promise<string> {
  if (!hasBody(ctx)) return ''
  if (contentType(ctx) !== formType) throw unsupported(formType)
  return readText(ctx, limit)
}

/** The media type in lower case, empty if there is none; refuses every charset but UTF-8. */
function contentType(ctx: Context): string {
  const header = ctx.req.headers['content-type']
  if (header === undefined) return ''
  if (header === formType) return formType
  const { type, parameters } = parse(header)
  const charset = parameters.charset ?? 'utf-8'
  const charsets = header.split(';').filter((part) => /^\s*charset\s*=/i.test(part))
  if (charset.toLowerCase() !== 'utf-8' || charsets.length > 1) throw unsupported(`${type} in UTF-8`)
  return type
}

const unsupported = (expected: string) =>
  new OAuthError('unsupported_media_type', `The content type of the request must be ${expected}.`)

async function readText(ctx: Context, limit: number): Promise<string> {
  const coding = ctx.req.headers['content-encoding'] ?? 'identity'
  if (coding.toLowerCase() !== 'identity')
    throw new OAuthError('unsupported_media_type', 'Compressed requests are not supported.')
  try {
    return utf8.decode(await getRawBody(ctx.req, { limit, length: ctx.req.headers['content-length'] ?? null }))
  } catch (cause) {
    if ((cause as getRawBody.RawBodyError).type === 'entity.too.large')
      throw new OAuthError('payload_too_large', `The request is larger than ${limit} bytes.`)
    throw new OAuthError('invalid_request', 'The request cannot be read.', { cause })
  }
}
