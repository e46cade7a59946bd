// `client_secret_basic`: id and secret in the Authorization header field (RFC 6749 section 2.3.1, RFC 7617).
import { invalidClient } from './method.js'
export const clientSecretBasic = {
  name: 'client_secret_basic',
  usesSecret: true,
  isReusable: true,
  read: ({ authorization }) => {
    const encoded = /^basic +(.*)$/i.exec(authorization)?.[1]
    return encoded === undefined ? undefined : readBasic(encoded)
  },
  verify: ({ clientId, proof }, candidate, { secrets }) => secrets.verify(clientId, candidate, proof),
}
function readBasic(encoded) {
  const [whole, id = '', secret = ''] = /^([^:]*):(.*)$/s.exec(decodeBase64(encoded)) ?? []
  if (whole === undefined) throw invalidClient('the Basic credentials have no colon')
  return { clientId: formDecode(id), proof: formDecode(secret) }
}
function decodeBase64(encoded) {
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) throw invalidClient('the Basic credentials are not base64')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalidClient('the Basic credentials are not UTF-8')
  }
}
/** Both parts were form-urlencoded before they were joined (RFC 6749 section 2.3.1 and appendix B). */
function formDecode(value) {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '))
  } catch {
    throw invalidClient('the Basic credentials are not form-urlencoded')
  }
}
//# sourceMappingURL=client_secret_basic.js.map
