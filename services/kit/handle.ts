// A handle: a few bytes with a code under a key that is in no database, so that a forged one is refused without a query
// and a stolen dump holds none. Authorization codes and refresh tokens are handles of their grant, registration access
// tokens of their registration.
import { decodeBase64url } from './sealing.js'

export const encodeHandle = (prefix: string, payload: Buffer, mac: Buffer): string =>
  `${prefix}${payload.toString('base64url')}.${mac.toString('base64url')}`

/** Undefined for what is not of this form. */
export function decodeHandle(
  prefix: string,
  payloadSize: number,
  handle: string,
): { payload: Buffer; mac: Buffer } | undefined {
  if (!handle.startsWith(prefix) || handle.length > 200) return undefined
  const [encodedPayload = '', encodedMac = '', ...rest] = handle.slice(prefix.length).split('.')
  const payload = decodeBase64url(encodedPayload)
  const mac = decodeBase64url(encodedMac)
  return payload?.length === payloadSize && mac && rest.length === 0 ? { payload, mac } : undefined
}
