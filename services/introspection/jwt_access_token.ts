// Reads access tokens in JWT form (RFC 9068 section 4): `typ`, key, signature, issuer and the claims that each must have.
import { timeOfId, uuidToBytes } from '../kit/random.js'
import { decodeBase64url } from '../kit/sealing.js'
import type { IntrospectionConfig } from './config.js'
import type { PublishedKeys, VerificationKey } from './keys.js'
import { compactBytes, compactId, type ReceivedToken } from './received_token.js'

const maxLength = 64 * 1024

type Claims = Readonly<Record<string, unknown>>

export class JwtAccessTokens {
  readonly #config: Pick<IntrospectionConfig, 'issuer' | 'topLevelClaims'>
  readonly #keys: PublishedKeys

  constructor(config: Pick<IntrospectionConfig, 'issuer' | 'topLevelClaims'>, keys: PublishedKeys) {
    this.#config = config
    this.#keys = keys
  }

  /** Undefined for what is no access token of this server. A promise where the key has to be fetched. */
  read(token: string): ReceivedToken | undefined | Promise<ReceivedToken | undefined> {
    const parts = token.length <= maxLength ? token.split('.') : []
    if (parts.length !== 3) return undefined
    const header = parseObject(parts[0] ?? '')
    const kid = header && isAccessTokenHeader(header) ? String(header.kid) : undefined
    if (header === undefined || kid === undefined) return undefined
    const key = this.#keys.peek(kid)
    if (key) return this.#verify(parts, header, key)
    return this.#keys.find(kid).then((fetched) => fetched && this.#verify(parts, header, fetched))
  }

  #verify(parts: readonly string[], header: Claims, key: VerificationKey): ReceivedToken | undefined {
    const [signedHeader = '', signedPayload = '', encodedSignature = ''] = parts
    const signature = decodeBase64url(encodedSignature)
    const isSigned =
      header.alg === key.alg && signature && key.verify(Buffer.from(`${signedHeader}.${signedPayload}`), signature)
    const claims = isSigned ? parseObject(signedPayload) : undefined
    return claims && this.#toReceived(claims)
  }

  #toReceived(claims: Claims): ReceivedToken | undefined {
    const { iss, sub, exp, iat, client_id: clientId, jti, rid, gid } = claims
    const id = uuidToBytes(String(jti))
    const registrationId = uuidToBytes(String(rid))
    const isComplete =
      iss === this.#config.issuer &&
      typeof sub === 'string' &&
      typeof clientId === 'string' &&
      isSeconds(exp) &&
      isSeconds(iat) &&
      id.length === 16 &&
      registrationId.length === 16
    if (!isComplete) return undefined
    return {
      id: compactId(id),
      grantId: typeof gid === 'string' ? compactId(uuidToBytes(gid)) : '',
      clientId,
      registrationId: compactId(registrationId),
      subject: sub,
      obfuscatedSubject: '',
      scope: scopeOf(claims),
      audience: strings(claims.aud),
      issuedAt: iat,
      issuedAtMs: timeOfId(id),
      notBefore: isSeconds(claims.nbf) ? claims.nbf : iat,
      expiresAt: exp,
      extJson: this.#extOf(claims),
      extByReference: false,
    }
  }

  /** The claims of the consent app, wherever in the token they stand. */
  #extOf(claims: Claims): Buffer {
    const promoted = this.#config.topLevelClaims.filter((name) => Object.hasOwn(claims, name) && !standard.has(name))
    const below = typeof claims.ext === 'object' && claims.ext !== null ? claims.ext : {}
    const ext = { ...Object.fromEntries(promoted.map((name) => [name, claims[name]])), ...below }
    return Object.keys(ext).length > 0 ? compactBytes(Buffer.from(JSON.stringify(ext))) : none
  }
}

const none = Buffer.alloc(0)

/** Claims that are the server's own. */
const standard = new Set('iss sub aud exp nbf iat jti client_id scp scope ext gid rid'.split(' '))

/** RFC 9068 2.1 and 4; no extension is understood, so none may be critical (RFC 7515 4.1.11). */
const isAccessTokenHeader = ({ typ, kid, crit }: Claims): boolean =>
  typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ) && typeof kid === 'string' && crit === undefined

function parseObject(encoded: string): Claims | undefined {
  const bytes = decodeBase64url(encoded)
  try {
    const value: unknown = bytes && JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined
  } catch {
    return undefined
  }
}

const isSeconds = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff

const strings = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string')

/** `scope` as RFC 9068 2.2.3 has it, or Hydra's list `scp`. */
const scopeOf = ({ scope, scp }: Claims): string => (typeof scope === 'string' ? scope : strings(scp).join(' '))
