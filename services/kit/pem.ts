// The PEM texts that TLS needs: from files, or from the configuration itself (RFC 7468).
import { readFileSync } from 'node:fs'
import type { TlsConfig } from './config/config.js'

/** Whether a part of a TlsConfig is the text itself and not the path of its file. */
export const isPemText = (part: string): boolean => part.includes('-----BEGIN')

/** What TLS is made with; `ca` is empty where nobody is asked for a certificate. */
export interface PemTexts {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

export function readPem({ cert, key, ca }: TlsConfig): PemTexts {
  const read = (part: string) => (part === '' || isPemText(part) ? part : readFileSync(part, 'utf8'))
  return { cert: read(cert), key: read(key), ca: read(ca) }
}

/** The files that a TlsConfig names. */
export const pemFiles = (tls: TlsConfig | undefined): string[] =>
  Object.values(tls ?? {}).filter((part: string) => part !== '' && !isPemText(part))
