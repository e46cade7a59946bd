// `client_secret_basic`: id and secret in the Authorization header field (RFC 6749 section 2.3.1, RFC 7617).
import { type AuthenticationMethod, invalidClient } from './method.js'

export const clientSecretBasic: AuthenticationMethod = {
  name: 'client_secret_basic',
  secret: 'hashed',
  needsKeys: false,
  algorithms: [],
  read: ({ authorization }, { secrets }) => {
    const encoded = /^basic +(.*)$/i.exec(authorization)?.[1]
    if (encoded === undefined) return undefined
    const { clientId, secret } = readBasic(encoded)
    return { clientId, proves: (candidate) => secrets.verify(clientId, candidate, secret) }
  },
}

function readBasic(encoded: string): { clientId: string; secret: string } {
  const [whole, id = '', secret = ''] = /^([^:]*):(.*)$/s.exec(decodeBase64(encoded)) ?? []
  if (whole === undefined) throw invalidClient('the Basic credentials have no colon')
  return { clientId: formDecode(id), secret: formDecode(secret) }
}

function decodeBase64(encoded: string): string {
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) throw invalidClient('the Basic credentials are not base64')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalidClient('the Basic credentials are not UTF-8')
  }
}

/** Both parts were form-urlencoded before they were joined (RFC 6749 section 2.3.1 and appendix B). */
function formDecode(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '))
  } catch {
    throw invalidClient('the Basic credentials are not form-urlencoded')
  }
}
