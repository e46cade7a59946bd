// JWT access tokens of a test's own making, good and bad: a corpus for whoever verifies them (RFC 9068 4, RFC 8725).
import { createHmac, type KeyObject, sign } from 'node:crypto'
import { nowSeconds } from '../../services/kit/clock.js'
import { newTimedId, newUuid, randomBytes, uuidFromBytes } from '../../services/kit/random.js'
import { newKeyPair } from './key_pair.js'

export interface TestKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export const ecKey = (kid: string): TestKey => ({ kid, alg: 'ES256', ...newKeyPair('ec', { namedCurve: 'P-256' }) })
export const rsaKey = (kid: string, alg: string): TestKey => ({
  kid,
  alg,
  ...newKeyPair('rsa', { modulusLength: 2048 }),
})
export const edKey = (kid: string): TestKey => ({ kid, alg: 'EdDSA', ...newKeyPair('ed25519') })

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

export function signatureOf(key: TestKey, signed: string): string {
  const data = Buffer.from(signed)
  const { privateKey } = key
  const signature = {
    ES256: () => sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    RS256: () => sign('sha256', data, privateKey),
    PS256: () => sign('sha256', data, { key: privateKey, padding: 6, saltLength: 32 }),
    EdDSA: () => sign(null, data, privateKey),
  }[key.alg]
  if (!signature) throw new Error(`no test signature for ${key.alg}`)
  return signature().toString('base64url')
}

export function makeJwt(key: TestKey, claims: object, header: object = {}): string {
  const signed = `${encode({ alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header })}.${encode(claims)}`
  return `${signed}.${signatureOf(key, signed)}`
}

/** Who issues, to whom. */
export interface Issuance {
  readonly issuer: string
  readonly clientId: string
  readonly registrationId: string
  readonly audience?: readonly string[]
}

export type Claims = Record<string, unknown>

export function goodClaims({ issuer, clientId, registrationId, audience = [] }: Issuance): Claims {
  const now = nowSeconds()
  return {
    iss: issuer,
    sub: 'alice',
    aud: audience,
    exp: now + 600,
    iat: now,
    nbf: now,
    jti: uuidFromBytes(newTimedId()),
    client_id: clientId,
    scp: ['read'],
    rid: registrationId,
    gid: newUuid(),
  }
}

/** The keys that a corpus is made with; all but the stranger's are published, that for ID tokens in its own set. */
export interface CorpusKeys {
  readonly es256: TestKey
  readonly rs256: TestKey
  readonly ps256: TestKey
  readonly eddsa: TestKey
  readonly idTokenKey: TestKey
  /** Its kid is that of `es256`. */
  readonly strangersKey: TestKey
}

export const newCorpusKeys = (): CorpusKeys => ({
  es256: ecKey('es-1'),
  rs256: rsaKey('rs-1', 'RS256'),
  ps256: rsaKey('ps-1', 'PS256'),
  eddsa: edKey('ed-1'),
  idTokenKey: ecKey('id-1'),
  strangersKey: ecKey('es-1'),
})

export type Corpus = Record<string, () => string>

/** JWTs that no verifier may take, whatever it knows of clients: each is good but for one thing. */
export function badJwts({ es256, rs256, idTokenKey, strangersKey }: CorpusKeys, good: () => Claims): Corpus {
  const without = (claim: string) => Object.fromEntries(Object.entries(good()).filter(([name]) => name !== claim))
  return {
    'is an ID token': () => makeJwt(idTokenKey, { ...good(), nonce: 'n' }, { typ: 'JWT' }),
    'has the type of an ID token': () => makeJwt(es256, good(), { typ: 'JWT' }),
    'has the type of a logout token': () => makeJwt(es256, good(), { typ: 'logout+jwt' }),
    'has no type': () => makeJwt(es256, good(), { typ: undefined }),
    'has a type that is no string': () => makeJwt(es256, good(), { typ: ['at+jwt'] }),
    'is signed with a key for ID tokens': () => makeJwt(idTokenKey, good()),
    'is signed by a stranger under the name of a key': () => makeJwt(strangersKey, good()),
    'names no key': () => makeJwt(es256, good(), { kid: undefined }),
    'brings its own key': () =>
      makeJwt(strangersKey, good(), { jwk: strangersKey.publicKey.export({ format: 'jwk' }) }),
    'names another algorithm than its key': () => makeJwt(rs256, good(), { alg: 'PS256' }),
    'names no algorithm': () => makeJwt(es256, good(), { alg: undefined }),
    'is critical of something': () => makeJwt(es256, good(), { crit: ['exp'] }),
    'has another issuer': () => makeJwt(es256, { ...good(), iss: `${good().iss}/` }),
    'has several issuers': () => makeJwt(es256, { ...good(), iss: [good().iss] }),
    'has expired': () => makeJwt(es256, { ...good(), exp: nowSeconds() - 1 }),
    'expires as text': () => makeJwt(es256, { ...good(), exp: '9999999999' }),
    'expires never': () => makeJwt(es256, { ...good(), exp: 1e300 }),
    'expires at a fraction': () => makeJwt(es256, { ...good(), exp: nowSeconds() + 0.5 }),
    'is not good yet': () => makeJwt(es256, { ...good(), nbf: nowSeconds() + 600 }),
    'names its registration otherwise': () => makeJwt(es256, { ...good(), rid: 'x' }),
    'has a jti that is none of ours': () => makeJwt(es256, { ...good(), jti: 'x' }),
    ...Object.fromEntries(
      ['iss', 'sub', 'exp', 'iat', 'jti', 'client_id', 'rid'].map((claim) => [
        `lacks ${claim}`,
        () => makeJwt(es256, without(claim)),
      ]),
    ),
  }
}

/** Of algorithm none, however it is spelt. */
export const unsignedJwts = ({ es256 }: CorpusKeys, good: () => Claims): string[] =>
  ['none', 'None', 'NONE', ''].flatMap((alg) => {
    const signed = `${encode({ alg, typ: 'at+jwt', kid: es256.kid })}.${encode(good())}`
    return [`${signed}.`, `${signed}.${signatureOf(es256, signed)}`]
  })

/** A MAC under the public key. */
export function macUnderPublicKey({ rs256 }: CorpusKeys, good: () => Claims): string {
  const pem = rs256.publicKey.export({ format: 'pem', type: 'spki' })
  const signed = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: rs256.kid })}.${encode(good())}`
  return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`
}

/** The signature of another, none, zeros, and in DER. */
export function wrongSignatures({ es256 }: CorpusKeys, good: () => Claims): string[] {
  const [one, two] = [makeJwt(es256, good()), makeJwt(es256, good())]
  const signed = one.slice(0, one.lastIndexOf('.'))
  const der = sign('sha256', Buffer.from(signed), es256.privateKey).toString('base64url')
  const signatures = [two.split('.')[2] ?? '', '', Buffer.alloc(64).toString('base64url'), der]
  return signatures.map((signature) => `${signed}.${signature}`)
}

/** Other spellings of a token that ends in 64 bytes of signature. */
export function otherSpellings(token: string): string[] {
  // 64 bytes leave four bits of the last character without meaning.
  const last = token.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const sibling = alphabet[alphabet.indexOf(last) ^ 1] ?? ''
  return [
    `${token.slice(0, -1)}${sibling}`,
    `${token}=`,
    `${token} `,
    ` ${token}`,
    `${token}.`,
    token.replace('.', '=.'),
  ]
}

const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`

/** What is no token at all. */
export const noTokens = ({ es256 }: CorpusKeys, good: () => Claims): Corpus => ({
  'is empty': () => '',
  'is a word': () => 'token',
  'is a prefix': () => 'tsr_at_',
  'is a prefix and dots': () => 'tsr_at_..',
  'is the prefix of a refresh token': () => 'tsr_rt_',
  'is two dots': () => '..',
  'is a thousand dots': () => '.'.repeat(1_000),
  'has NUL and other controls': () => 'tsr_at_\0\n\r\t.\0',
  'is in other scripts': () => 'жетон.жетон.жетон',
  'has half a surrogate pair': () => '\ud800.\ud800.\ud800',
  'is a megabyte': () => 'x'.repeat(1_000_000),
  'is a megabyte behind a prefix': () => `tsr_at_${'A'.repeat(1_000_000)}`,
  'is a megabyte of JWT': () => `${encode({ alg: 'ES256', typ: 'at+jwt', kid: 'es-1' })}.${'A'.repeat(1_000_000)}.AAAA`,
  'is a megabyte of refresh token': () => `tsr_rt_${'A'.repeat(1_000_000)}.AAAA`,
  'is JSON of no object': () => [encode('1'), encode('"x"'), 'AA'].join('.'),
  'is JSON of null': () => [encode('null'), encode('null'), 'AA'].join('.'),
  'is deep JSON': () => [encode(deep), encode(deep), 'AA'].join('.'),
  'pollutes prototypes': () => [encode('{"__proto__":{"typ":"at+jwt","kid":"es-1"}}'), encode('{}'), 'AA'].join('.'),
  'names __proto__ as its key': () => makeJwt({ ...es256, kid: '__proto__' }, good()),
  'is random bytes behind a prefix': () => `tsr_at_${randomBytes(120).toString('base64url')}`,
  'is a JWE': () => ['a', 'b', 'c', 'd', 'e'].map(encode).join('.'),
})
