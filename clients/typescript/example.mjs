// Registers a client, gets a token, decides on it without asking anybody, revokes it, and sees it refused. The arguments are
// the issuer, the admin port, and the gRPC port of a server.
import { Introspector } from '@tessera/introspect'

const [issuer, admin, address] = process.argv.slice(2)
const audience = 'https://api.example.com'

const introspector = new Introspector({ issuer, audience, grpc: { address } })
await introspector.start({ signal: AbortSignal.timeout(20_000) })

const registered = await fetch(`${admin}/admin/clients`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    grant_types: ['client_credentials'],
    scope: 'read',
    audience: [audience],
    access_token_strategy: 'jwt',
    token_endpoint_auth_method: 'client_secret_post',
  }),
})
const { client_id, client_secret } = await registered.json()
const post = (path, form) =>
  fetch(`${issuer.replace(/\/$/, '')}${path}`, {
    method: 'POST',
    body: new URLSearchParams({ client_id, client_secret, ...form }),
  })
const issued = await post('/oauth2/token', { grant_type: 'client_credentials', scope: 'read', audience })
const { access_token: token } = await issued.json()

const before = await introspector.introspect(token)
console.log(
  `active: ${before.active}, from ${before.source}, the server was asked ${introspector.status().asked} times`,
)

await post('/oauth2/revoke', { token })
const revokedAt = performance.now()
while ((await introspector.introspect(token)).active) await new Promise((resolve) => setTimeout(resolve, 1))
console.log(`refused ${Math.ceil(performance.now() - revokedAt)} ms after it was revoked`)

await introspector.stop()
