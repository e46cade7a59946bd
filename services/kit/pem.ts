// The PEM texts that TLS needs: from files, or from the configuration itself (RFC 7468).
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { TlsConfig } from './config/config.js'

/** Whether a part of a TlsConfig is the text itself and not the path of its file. */
export const isPemText = (part: string): boolean => part.includes('-----BEGIN')

/** What TLS is made with; `ca` is empty where nobody is asked for a certificate. */
export interface PemTexts {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** Throws where the texts are none, or certificate and key do not belong together. */
export function readPem({ cert, key, ca }: TlsConfig): PemTexts {
  const read = (part: string) => (part === '' || isPemText(part) ? part : readFileSync(part, 'utf8'))
  const texts = { cert: read(cert), key: read(key), ca: read(ca) }
  createSecureContext(Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== '')))
  return texts
}

/** The files that a TlsConfig names, by absolute path. */
export const pemFiles = (tls: TlsConfig | undefined): string[] =>
  Object.values(tls ?? {})
    .filter((part: string) => part !== '' && !isPemText(part))
    .map((path) => resolve(path))
