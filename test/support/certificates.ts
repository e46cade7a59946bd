// Certificates for tests, made with openssl: an authority, and those that it or nobody vouches for.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TlsConfig } from '../../services/kit/config/config.js'

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

export class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tessera-ca-'))
  readonly ca = join(this.#folder, 'ca.pem')

  constructor() {
    const key = join(this.#folder, 'ca.key')
    this.#openssl('req', '-x509', ...newKey(key), '-days', '2', '-subj', '/CN=test authority', '-out', this.ca)
  }

  /** A certificate with this common name, for the loopback, that asks the other side for one of the same authority. */
  issue(name: string): TlsConfig {
    const [key, request, cert, extensions] = ['key', 'csr', 'pem', 'ext'].map((type) =>
      join(this.#folder, `${name}.${type}`),
    )
    if (!key || !request || !cert || !extensions) throw new Error('no paths')
    writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost')
    this.#openssl('req', ...newKey(key), '-subj', `/CN=${name}`, '-out', request)
    const signer = ['-CA', this.ca, '-CAkey', join(this.#folder, 'ca.key'), '-CAcreateserial', '-days', '1']
    this.#openssl('x509', '-req', '-in', request, ...signer, '-extfile', extensions, '-out', cert)
    return { cert, key, ca: this.ca }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true })
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' })
  }
}

const newKey = (path: string): string[] => [
  '-newkey',
  'ec',
  '-pkeyopt',
  'ec_paramgen_curve:P-256',
  '-nodes',
  '-keyout',
  path,
]
