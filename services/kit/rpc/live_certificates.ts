// Certificates of gRPC connections that can be read anew while calls are under way: connections that are there stay, later
// ones use the new.
import { rootCertificates, type SecureContextOptions } from 'node:tls'
import { ChannelCredentials, experimental, ServerCredentials } from '@grpc/grpc-js'
import type { TlsConfig } from '../config/config.js'
import { type PemTexts, readPem } from '../pem.js'

type CaListener = experimental.CaCertificateUpdateListener
type IdentityListener = experimental.IdentityCertificateUpdateListener

/** What grpc-js gives only to its subclasses: every listener made with the credentials takes up another context. */
interface RenewableCredentials {
  updateSecureContextOptions(options: SecureContextOptions): void
}

const bytesOf = ({ ca, cert, key }: PemTexts) => ({
  ca: ca === '' ? null : Buffer.from(ca),
  cert: Buffer.from(cert),
  key: Buffer.from(key),
})

export class LiveCertificates implements experimental.CertificateProvider {
  readonly #tls: TlsConfig
  readonly #caListeners = new Set<CaListener>()
  readonly #identityListeners = new Set<IdentityListener>()
  readonly #servers: RenewableCredentials[] = []
  #pem: PemTexts

  constructor(tls: TlsConfig) {
    this.#tls = tls
    this.#pem = readPem(tls)
  }

  /** Reads the files anew; throws where they do not belong together, and stays as it was. */
  reload(): void {
    this.#pem = readPem(this.#tls)
    const { ca, cert, key } = bytesOf(this.#pem)
    for (const server of this.#servers)
      server.updateSecureContextOptions({ cert: [cert], key: [key], ...(ca && { ca }) })
    for (const listener of this.#caListeners) this.addCaCertificateListener(listener)
    for (const listener of this.#identityListeners) this.addIdentityCertificateListener(listener)
  }

  /** Of a listener, which asks for certificates of its authority where it has one. */
  forServer(): ServerCredentials {
    const { ca, cert, key } = bytesOf(this.#pem)
    const credentials = ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], ca !== null)
    this.#servers.push(credentials as unknown as RenewableCredentials)
    return credentials
  }

  /** Of calls, which show a certificate where there is one. */
  forChannel(): ChannelCredentials {
    return experimental.createCertificateProviderChannelCredentials(this, this.#pem.cert === '' ? null : this, {})
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener)
    listener({ caCertificate: Buffer.from(this.#pem.ca || rootCertificates.join('\n')) })
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener)
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener)
    const { cert, key } = bytesOf(this.#pem)
    listener({ certificate: cert, privateKey: key })
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener)
  }
}

/** Credentials of a listener or of calls without TLS. */
export const insecure = {
  forServer: (): ServerCredentials => ServerCredentials.createInsecure(),
  forChannel: (): ChannelCredentials => ChannelCredentials.createInsecure(),
}
