// A resource server that decides on access tokens itself: with the package for resource servers, or with jose, which verifies
// and knows of no revocation. Each is told the tokens once, and then how many to decide on. Arguments: which of the two, the
// issuer, where its gRPC is, the port.
import { createServer, type IncomingMessage } from 'node:http'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { Introspector } from '../../clients/typescript/src/index.js'

const [verifier, issuer = '', grpc = '', port] = process.argv.slice(2)

type Decide = (token: string) => Promise<boolean>

async function byPackage(): Promise<Decide> {
  const introspector = new Introspector({ issuer, audience: null, grpc: { address: grpc } })
  await introspector.start({ signal: AbortSignal.timeout(30_000) })
  return async (token) => {
    const { active } = await introspector.introspect(token)
    return active
  }
}

function byJose(): Decide {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer))
  return (token) =>
    jwtVerify(token, keys, { issuer, typ: 'at+jwt' }).then(
      () => true,
      () => false,
    )
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  return text
}

const decide = verifier === 'package' ? await byPackage() : byJose()
let tokens: readonly string[] = []

createServer(async (request, response) => {
  if (request.method === 'PUT') tokens = JSON.parse(await textOf(request))
  const decisions = request.method === 'PUT' ? [] : await Promise.all(tokens.map(decide))
  const active = decisions.filter(Boolean).length
  response.end(JSON.stringify({ active, inactive: decisions.length - active }))
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'))
