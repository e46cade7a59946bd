// The demo's client at the authorization server: registered, or brought up to date, through the admin API.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export interface RegistrationOptions {
  readonly adminUrl: string
  readonly headers: Readonly<Record<string, string>>
  /** Where the client's secret is kept between two starts. */
  readonly secretFile: string
  /** The client's metadata (OpenID Connect Registration 2), but for the secret. */
  readonly metadata: Readonly<Record<string, unknown>> & { readonly client_id: string }
}

const maxTries = 120
const retryAfterMs = 250

/** Registers the client and returns its secret; waits for a server that is still starting. */
export async function registerClient({
  adminUrl,
  headers,
  secretFile,
  metadata,
}: RegistrationOptions): Promise<string> {
  const secret = keptSecret(secretFile)
  const clients = `${adminUrl.replace(/\/$/, '')}/admin/clients`
  const put = (method: 'PUT' | 'POST', url: string) =>
    fetch(url, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ ...metadata, client_secret: secret }),
      signal: AbortSignal.timeout(10_000),
    })

  for (let tries = 1; ; tries++) {
    const response = await put('PUT', `${clients}/${metadata.client_id}`)
      .then((answer) => (answer.status === 404 ? put('POST', clients) : answer))
      .catch((cause: Error) => cause)
    if (response instanceof Response && response.ok) return secret
    if (tries === maxTries || (response instanceof Response && response.status < 500)) {
      const reason = response instanceof Response ? `${response.status} ${await response.text()}` : response.message
      throw new Error(`The demo client could not be registered: ${reason}`)
    }
    await delay(retryAfterMs)
  }
}

function keptSecret(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8')
  const secret = randomBytes(32).toString('base64url')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, secret, { mode: 0o600 })
  return secret
}
