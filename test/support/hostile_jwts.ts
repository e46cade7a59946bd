// Hostile JWTs, by the ids of the security requirements: each is a JWT that an entry point would take but for one thing. Made
// by tables, so that the same can be shown wherever a JWT is taken.
import { randomUUID } from 'node:crypto'
import { base64url, secondsFromNow, signJwt, signTexts, type TestKey } from './assertions.js'
import { badSignatures, badStructures, flipped, nested, publicSecretsOf } from './hostile_parts.js'

export interface HostileJwt {
  readonly id: string
  readonly what: string
  readonly jwt: string
}

export interface Victim {
  /** The ES256 key that the entry point believes. */
  readonly key: TestKey
  /** Claims that it takes; a new `jti` each time. */
  readonly claims: () => Record<string, unknown>
  /** `typ` that it takes; undefined: none. */
  readonly typ?: string
}

/** All of them. `stranger`: a key that the entry point does not know. */
export function hostileJwts(victim: Victim, stranger: TestKey): HostileJwt[] {
  const header = (changes: object = {}) => ({
    alg: 'ES256',
    kid: victim.key.kid,
    ...(victim.typ && { typ: victim.typ }),
    ...changes,
  })
  const signed = (changes: object = {}, claims: object = {}, key: TestKey = victim.key) =>
    signTexts(
      JSON.stringify(header(changes)),
      JSON.stringify({ ...victim.claims(), ...claims }),
      key.alg,
      key.privateKey,
    )
  const texts = (head: string, payload: string) => signTexts(head, payload, 'ES256', victim.key.privateKey)
  const genuine = () => signed()
  const claimsWith = (name: string, json: string) => {
    const { [name]: _, ...others } = victim.claims()
    return texts(JSON.stringify(header()), `${JSON.stringify(others).slice(0, -1)},"${name}":${json}}`)
  }
  const jwts: HostileJwt[] = []
  const add = (id: string, what: string, jwt: string) => jwts.push({ id, what: what.slice(0, 80), jwt })

  for (const alg of [
    '"none"',
    '"None"',
    '"nOnE"',
    '"NONE"',
    '""',
    '"none "',
    '[]',
    '["ES256"]',
    '1',
    'null',
    'true',
    '{}',
  ]) {
    const head = `{"kid":"${victim.key.kid}","alg":${alg}}`
    const payload = JSON.stringify(victim.claims())
    add('JW-01', `alg ${alg}, no signature`, `${base64url(head)}.${base64url(payload)}.`)
    add('JW-01', `alg ${alg}, two parts`, `${base64url(head)}.${base64url(payload)}`)
    add('JW-01', `alg ${alg}, a signature`, texts(head, payload))
  }
  add('JW-01', 'no alg', texts(`{"kid":"${victim.key.kid}"}`, JSON.stringify(victim.claims())))
  for (const [one, other] of [
    ['none', 'ES256'],
    ['ES256', 'none'],
    ['ES256', 'ES256'],
  ])
    add(
      'JW-01',
      `alg twice: ${one}, ${other}`,
      texts(`{"alg":"${one}","alg":"${other}"}`, JSON.stringify(victim.claims())),
    )

  for (const [name, secret] of Object.entries(publicSecretsOf(victim.key.publicKey)))
    for (const alg of ['HS256', 'HS384', 'HS512'])
      add(
        'JW-02',
        `${alg} with ${name}`,
        signTexts(JSON.stringify(header({ alg })), JSON.stringify(victim.claims()), alg, secret),
      )

  for (const alg of [
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES384',
    'ES512',
    'EdDSA',
    'ES256K',
    'HS256',
    'RSA-OAEP',
    'dir',
  ])
    add('JW-03', `${alg} in the header of an ES256 signature`, signed({ alg }))
  add('JW-03', 'another key', signed({}, {}, stranger))
  for (const [what, jwt] of Object.entries(badSignatures(genuine(), victim.key.privateKey))) add('JW-03', what, jwt)
  for (let index = 0; index < 64; index += 4)
    add('JW-03', `bit ${index * 8} of the signature`, flipped(genuine(), index))

  const kids = [
    '',
    '../../dev/null',
    "' OR 1=1 --",
    'https://evil.example/key',
    '__proto__',
    'constructor',
    'a\u0000b',
    'x'.repeat(10_000),
  ]
  for (const kid of [...kids, victim.key.kid.toUpperCase(), ` ${victim.key.kid}`, [victim.key.kid], 1, null, {}, true])
    add('JW-04', `kid ${JSON.stringify(kid)}, signed by a stranger`, signed({ kid }, {}, stranger))
  for (const kid of ['', '../../dev/null', '__proto__', 'x'.repeat(300), 1, null, {}, [victim.key.kid]])
    add('JW-04', `kid ${JSON.stringify(kid)}, signed by the key`, signed({ kid }))
  add('JW-04', 'the stranger by its own kid', signed({ kid: stranger.kid }, {}, stranger))

  const embedded = { jwk: stranger.jwk, jku: 'http://127.0.0.1:9/keys', x5u: 'http://127.0.0.1:9/cert', x5c: ['MIIB'] }
  for (const [name, value] of Object.entries(embedded)) {
    add('JW-05', `${name} of a stranger`, signed({ [name]: value }, {}, stranger))
    add('JW-05', `${name} of a stranger, no kid`, signed({ [name]: value, kid: undefined }, {}, stranger))
  }

  for (const crit of [['exp'], ['b64'], ['x'], [], 'x', null])
    add('JW-06', `crit ${JSON.stringify(crit)}`, signed({ crit }))
  for (const changes of [
    { b64: false },
    { b64: true },
    { crit: ['b64'], b64: false },
    { zip: 'DEF' },
    { cty: 'JWT' },
    { enc: 'A128GCM', zip: 'DEF' },
  ])
    add('JW-06', JSON.stringify(changes), signed(changes))
  for (const typ of [
    'at+jwt',
    'logout+jwt',
    'dpop+jwt',
    'secevent+jwt',
    'token-introspection+jwt',
    'JWS',
    '',
    1,
    ['JWT'],
    null,
  ])
    add('JW-06', `typ ${JSON.stringify(typ)}`, signed({ typ }))
  add('JW-06', 'nested 20 times', nested(genuine(), victim.key, 20))

  for (const [name, values] of Object.entries(badTimes))
    for (const value of values) add('JW-07', `${name} ${value}`, claimsWith(name, value))
  for (const [what, claims] of Object.entries(wrongTimes())) add('JW-07', what, signed({}, claims))

  for (const [what, jwt] of Object.entries(badStructures(genuine(), victim.key, texts))) add('JW-11', what, jwt)
  return jwts
}

const notNumbers = [
  '"1900000000"',
  '1e400',
  '-1e400',
  '-1',
  '-0.5',
  '9007199254740992',
  '1e17',
  'null',
  'true',
  '[]',
  '[1900000000]',
  '{}',
  '""',
]

/** What is no time, in JSON. */
const badTimes: Readonly<Record<string, readonly string[]>> = {
  exp: [...notNumbers, '0', '1'],
  nbf: notNumbers,
  iat: notNumbers,
}

/** Times that are none of now. */
const wrongTimes = (): Record<string, object> => ({
  'exp 1 s ago': { exp: secondsFromNow(-1) },
  'exp 60 s ago': { exp: secondsFromNow(-60) },
  'exp a day ago': { exp: secondsFromNow(-86_400) },
  'nbf 61 s ahead': { nbf: secondsFromNow(61) },
  'nbf a day ahead': { nbf: secondsFromNow(86_400) },
  'iat 61 s ahead': { iat: secondsFromNow(61) },
  'iat a day ahead': { iat: secondsFromNow(86_400) },
})

/** What only an assertion must say: who, for whom, and which one it is. */
export function hostileAssertions({ key, claims }: Victim, others: readonly string[]): HostileJwt[] {
  const table: Record<string, Record<string, unknown>[]> = {
    'JW-07': [{ exp: undefined }, { exp: secondsFromNow(40 * 86_400) }, { exp: 9_007_199_254_740_990 }],
    'JW-08': others.flatMap((aud) => [
      { aud },
      { aud: [aud] },
      { aud: [String(claims().aud), aud] },
      { aud: [aud, String(claims().aud)] },
    ]),
    'JW-09': [
      { iss: undefined },
      { iss: '' },
      { iss: 'https://evil.example' },
      { iss: ['x'] },
      { iss: 1 },
      { sub: undefined },
      { sub: '' },
      { sub: 1 },
      { sub: {} },
    ],
    'JW-10': [
      { jti: undefined },
      { jti: '' },
      { jti: 1 },
      { jti: [randomUUID()] },
      { jti: null },
      { jti: 'x'.repeat(257) },
      { jti: 'ü'.repeat(129) },
    ],
  }
  const audiences = [undefined, null, '', 1, [], [[]], {}, [String(claims().aud), ''], [String(claims().aud), null]]
  table['JW-08']?.push(...audiences.map((aud) => ({ aud })))
  return Object.entries(table).flatMap(([id, changes]) =>
    changes.map((change) => ({
      id,
      what: JSON.stringify(change, (_, value) => value ?? '(none)').slice(0, 80),
      jwt: signJwt(key, { ...claims(), ...change }),
    })),
  )
}

/** What somebody without any key can make of a JWT that is good. */
export function mutationsOf(jwt: string): HostileJwt[] {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  const head = JSON.parse(Buffer.from(header, 'base64url').toString())
  const changed = (changes: object, more = signature) =>
    `${base64url(JSON.stringify({ ...head, ...changes }))}.${payload}.${more}`
  const table: [string, string, string][] = [
    ...['none', 'None', 'NONE', '', 'HS256', 'ES256', 'RS512'].flatMap((alg): [string, string, string][] =>
      alg === head.alg
        ? []
        : [
            ['JW-01', `alg ${alg}, no signature`, changed({ alg }, '')],
            ['JW-01', `alg ${alg}`, changed({ alg })],
          ],
    ),
    ['JW-04', 'another kid', changed({ kid: 'x' })],
    ['JW-05', 'jku', changed({ jku: 'http://127.0.0.1:9/' })],
    ['JW-06', 'crit', changed({ crit: ['x'] })],
    ['JW-11', 'no signature', `${header}.${payload}.`],
    ['JW-11', 'two parts', `${header}.${payload}`],
    ['JW-11', 'four parts', `${jwt}.${signature}`],
    ['JW-11', 'a flipped bit', flipped(jwt, 3)],
    ['JW-11', 'another payload', `${header}.${base64url('{}')}.${signature}`],
    ['JW-11', 'a signature of another size', `${header}.${payload}.${signature.slice(4)}`],
  ]
  return table.map(([id, what, mutated]) => ({ id, what, jwt: mutated }))
}
