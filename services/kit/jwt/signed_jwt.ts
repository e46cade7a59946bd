// JWTs that others have signed (RFC 7515, RFC 7519), read before anything in them is believed: so strictly that no two
// readers could see two different things in one (RFC 8725).
import { parseJson } from '../json_text.js'
import { decodeBase64url } from '../sealing.js'

/** Why a JWT is not accepted, as a sentence for whoever sent it. */
export class JwtError extends Error {
  override readonly name = 'JwtError'
}

export type Claims = Readonly<Record<string, unknown>>

export interface SignedJwt {
  readonly alg: string
  /** Undefined: it names no key. */
  readonly kid: string | undefined
  readonly claims: Claims
  /** What the signature is over. */
  readonly signed: Buffer
  readonly signature: Buffer
}

export interface JwtForm {
  /** The media types that it may name itself, in lower case; it need not name one. */
  readonly types: readonly string[]
  readonly algorithms: readonly string[]
}

const maxLength = 16 * 1024
const maxKidLength = 255

/** What changes the meaning of the rest (RFC 7515 section 4.1.11, RFC 7797, RFC 7516 section 4.1.3) or says that the content is no JSON object. */
const refusedParameters = ['crit', 'b64', 'zip', 'cty']

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The parts of a JWT, not verified. Keys in the header (`jwk`, `jku`, `x5c`, `x5u`) are not looked at: a signer is
 * believed by the keys that were registered for it. Error: JwtError.
 */
export function readSignedJwt(text: string, { types, algorithms }: JwtForm): SignedJwt {
  if (text.length > maxLength) throw new JwtError(`It is longer than ${maxLength} characters.`)
  const parts = text.split('.')
  const [header, payload, signature] = parts.map(decodeBase64url)
  if (parts.length !== 3 || !header || !payload || !signature)
    throw new JwtError('It is not three parts of base64url without padding, with dots between them.')
  const { alg, kid, typ, ...others } = readObject(header, 'header')
  if (typeof alg !== 'string' || !algorithms.includes(alg))
    throw new JwtError('It is not signed with an algorithm that is accepted.')
  if (refusedParameters.some((name) => name in others))
    throw new JwtError('Its header has a parameter that is refused.')
  if (typ !== undefined && !(typeof typ === 'string' && types.includes(typ.toLowerCase())))
    throw new JwtError('It is a JWT of another kind.')
  if (kid !== undefined && !(typeof kid === 'string' && kid.length <= maxKidLength))
    throw new JwtError('Its kid is not a text of a reasonable length.')
  if ((alg === 'none') !== (signature.length === 0)) throw new JwtError('Its signature is not one of its algorithm.')
  const claims = readObject(payload, 'payload')
  return { alg, kid, claims, signed: Buffer.from(text.slice(0, text.lastIndexOf('.'))), signature }
}

function readObject(bytes: Buffer, part: string): Claims {
  const value = parse(bytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new JwtError(`Its ${part} is not a JSON object of the strict kind.`)
  return value as Claims
}

/** Undefined for what is no JSON. */
function parse(bytes: Buffer): unknown {
  try {
    return parseJson(utf8.decode(bytes))
  } catch {
    return undefined
  }
}
