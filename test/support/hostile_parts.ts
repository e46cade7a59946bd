// The parts of hostile JWTs that are wrong by their form: signatures, encodings, JSON.
import { createPrivateKey, createSign, type KeyObject } from 'node:crypto'
import { base64url, signBytes, signTexts, type TestKey } from './assertions.js'

const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
const scalar = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')

/** What somebody may take for the secret who checks a code with a public key. */
export function publicSecretsOf(key: KeyObject): Record<string, string> {
  const pem = String(key.export({ type: 'spki', format: 'pem' }))
  const der = key.export({ type: 'spki', format: 'der' })
  const jwk = key.export({ format: 'jwk' })
  return {
    'the PEM': pem,
    'the PEM without its last line break': pem.trim(),
    'the DER': der.toString('latin1'),
    'the DER in base64': der.toString('base64'),
    'the JWK': JSON.stringify(jwk),
    'a coordinate, or the modulus': String(jwk.x ?? jwk.n),
    nothing: '',
  }
}

export function badSignatures(jwt: string, privateKey: KeyObject): Record<string, string> {
  const signed = jwt.slice(0, jwt.lastIndexOf('.'))
  const signature = Buffer.from(jwt.slice(signed.length + 1), 'base64url')
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)]
  const zero = Buffer.alloc(32)
  const der = createSign('sha256')
    .update(signed)
    .sign(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })))
  const signatures: Record<string, Buffer> = {
    'all zeros': Buffer.alloc(64),
    'all ones': Buffer.alloc(64, 0xff),
    'r is 0': Buffer.concat([zero, s]),
    's is 0': Buffer.concat([r, zero]),
    'r is the order': Buffer.concat([scalar(order), s]),
    's is the order': Buffer.concat([r, scalar(order)]),
    'both are the order': Buffer.concat([scalar(order), scalar(order)]),
    'both are 1': Buffer.concat([scalar(1n), scalar(1n)]),
    'r and s change places': Buffer.concat([s, r]),
    'in DER': der,
    'one byte too short': signature.subarray(0, 63),
    'one byte too long': Buffer.concat([signature, Buffer.alloc(1)]),
    twice: Buffer.concat([signature, signature]),
    'r alone': r,
    'with zeros before both': Buffer.concat([zero, r, zero, s]),
    'of other bytes': signBytes('ES256', privateKey, Buffer.from(`${signed}x`)),
  }
  return Object.fromEntries(Object.entries(signatures).map(([what, bytes]) => [what, `${signed}.${base64url(bytes)}`]))
}

export function flipped(jwt: string, index: number): string {
  const signed = jwt.slice(0, jwt.lastIndexOf('.'))
  const signature = Buffer.from(jwt.slice(signed.length + 1), 'base64url')
  signature[index] = (signature[index] ?? 0) ^ 1
  return `${signed}.${base64url(signature)}`
}

export function nested(jwt: string, key: TestKey, levels: number): string {
  let inner = jwt
  for (let level = 0; level < levels && inner.length < 10_000; level++)
    inner = signTexts(`{"alg":"ES256","kid":"${key.kid}"}`, inner, 'ES256', key.privateKey)
  return inner
}

/** One JWT that is read strictly or not at all. */
export function badStructures(jwt: string, key: TestKey, texts: (header: string, payload: string) => string) {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  const head = Buffer.from(header, 'base64url').toString()
  const body = Buffer.from(payload, 'base64url').toString()
  const raw = (bytes: Buffer) => signedParts(header, bytes, key)
  const structures: Record<string, string> = {
    empty: '',
    'one part': payload,
    'two parts': `${header}.${payload}`,
    'four parts': `${jwt}.${signature}`,
    'five parts': `${jwt}..`,
    'a dot before it': `.${jwt}`,
    'no signature': `${header}.${payload}.`,
    'no payload': `${header}..${signature}`,
    'no header': `.${payload}.${signature}`,
    'a space before it': ` ${jwt}`,
    'a space behind it': `${jwt} `,
    'a line break behind it': `${jwt}\n`,
    'a space inside': `${header}. ${payload}.${signature}`,
    'a line break inside': `${header}.${payload.slice(0, 40)}\n${payload.slice(40)}.${signature}`,
    'a tab in the signature': `${header}.${payload}.${signature.slice(0, 10)}\t${signature.slice(10)}`,
    'padded header': `${header}=.${payload}.${signature}`,
    'padded payload': `${header}.${payload}==.${signature}`,
    'padded signature': `${jwt}==`,
    'standard base64 in the signature': `${header}.${payload}.+/${signature.slice(2)}`,
    'other tail bits in the signature': `${header}.${payload}.${otherTail(signature)}`,
    'something behind the signature': `${jwt}A`,
    'a percent sign': `${header}.${payload}.%41${signature.slice(1)}`,
    'a BOM before the header': texts(`\ufeff${head}`, body),
    'a BOM before the payload': texts(head, `\ufeff${body}`),
    'more behind the payload': texts(head, `${body}{}`),
    'more behind the header': texts(`${head} x`, body),
    'a comment': texts(head, body.replace('{', '{/* */')),
    'a comma at the end': texts(head, body.replace(/}$/, ',}')),
    'single quotes': texts(head, body.replaceAll('"', "'")),
    'no JSON': texts(head, 'x'),
    'empty payload object text': texts(head, ''),
    'a list': texts(head, `[${body}]`),
    'a string': texts(head, JSON.stringify(body)),
    'a number': texts(head, '1'),
    null: texts(head, 'null'),
    'the header is a list': texts(`[${head}]`, body),
    'the header is null': texts('null', body),
    'nested 10000 deep': texts(head, body.replace(/}$/, `,"x":${'['.repeat(5_000)}${']'.repeat(5_000)}}`)),
    'nested 40 deep': texts(head, body.replace(/}$/, `,"x":${'['.repeat(40)}${']'.repeat(40)}}`)),
    'not UTF-8': raw(
      Buffer.concat([Buffer.from(body.replace(/}$/, ',"x":"')), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    ),
    'UTF-16': raw(Buffer.from(body, 'utf16le')),
    'a NUL in a text': texts(head, body.replace(/}$/, ',"x":"\\u0000"}')),
    'half a surrogate pair': texts(head, body.replace(/}$/, ',"x":"\\ud800"}')),
    '17 KiB': texts(head, body.replace(/}$/, `,"x":"${'x'.repeat(17 * 1024)}"}`)),
    '90 KiB': texts(head, body.replace(/}$/, `,"x":"${'x'.repeat(64 * 1024)}"}`)),
  }
  for (const name of Object.keys(JSON.parse(body)))
    structures[`${name} twice`] = texts(
      head,
      body.replace(/}$/, `,"${name}":${JSON.stringify(JSON.parse(body)[name])}}`),
    )
  for (const name of Object.keys(JSON.parse(body)))
    structures[`${name} twice, once escaped`] = texts(
      head,
      body.replace(/}$/, `,"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}":"x"}`),
    )
  for (const name of ['alg', 'kid'])
    structures[`${name} twice in the header`] = texts(head.replace('{', `{"${name}":"x",`), body)
  return structures
}

const signedParts = (header: string, payload: Buffer, { privateKey }: TestKey): string => {
  const signed = `${header}.${base64url(payload)}`
  return `${signed}.${base64url(signBytes('ES256', privateKey, Buffer.from(signed)))}`
}

/** The same bytes for a reader that does not look at the bits behind them. */
function otherTail(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return `${text.slice(0, -1)}${alphabet[alphabet.indexOf(text.at(-1) ?? '') + 1]}`
}
