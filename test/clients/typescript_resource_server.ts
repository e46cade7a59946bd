// The resource server on the TypeScript package, in this process: Koa, Express, and a gRPC server.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import express from 'express'
import Koa from 'koa'
import {
  type ActiveToken,
  authOf,
  type Decision,
  expressGuard,
  grpcGuard,
  IntrospectionUnavailable,
  Introspector,
  type IntrospectorOptions,
  koaGuard,
} from '../../clients/typescript/src/index.js'
import type { Language, ResourceServer, ResourceServerOptions } from './resource_server.js'

export const typescript: Language = {
  name: 'TypeScript',
  mounts: ['', '/express'],
  async start(options) {
    let output = ''
    const introspector = new Introspector(
      toOptions(options, (what, cause) => {
        output += `${what}: ${cause instanceof Error ? cause.stack : cause} ${JSON.stringify(cause)}\n`
      }),
    )
    await introspector.start({ signal: AbortSignal.timeout(30_000) })
    return serve(introspector, () => output)
  },
}

function toOptions(
  { issuer, audience, maxStalenessMs = 3_000, grpc, http }: ResourceServerOptions,
  onTrouble: (what: string, cause: unknown) => void,
): IntrospectorOptions {
  const common = { issuer, audience, maxStalenessMs, onTrouble }
  if (http) return { ...common, http }
  if (!grpc) throw new Error('neither gRPC nor HTTP')
  const { token, introspection, serviceToken } = grpc
  return { ...common, grpc: { address: { token, introspection }, ...(serviceToken && { serviceToken }) } }
}

/** The decision as every language's resource server tells it. */
const toJson = (decision: Decision) =>
  decision.active
    ? {
        active: true,
        subject: decision.subject,
        client_id: decision.clientId,
        scope: decision.scope,
        audience: decision.audience,
        issued_at: decision.issuedAt,
        expires_at: decision.expiresAt,
        token_id: decision.tokenId,
        grant_id: decision.grantId,
        claims: decision.claims,
        source: decision.source,
      }
    : decision

async function serve(introspector: Introspector, output: () => string): Promise<ResourceServer> {
  const koa = koaApp(introspector).callback()
  const expressed = expressApp(introspector)
  const http = createServer(async (req, res) => {
    if (req.url?.startsWith('/express')) expressed(req, res)
    else if (req.url === '/introspect') await answerIntrospection(introspector, req, res)
    else if (req.url === '/status') res.end(JSON.stringify(statusOf(introspector)))
    else koa(req, res)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const grpc = grpcServer(introspector)
  const grpcPort = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    )
  })
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    output,
    stop: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
      grpc.forceShutdown()
      await introspector.stop()
    },
  }
}

function koaApp(introspector: Introspector): Koa {
  const any = koaGuard(introspector)
  const read = koaGuard(introspector, { scope: 'read', realm: 'the "api"' })
  const app = new Koa()
  app.use((ctx, next) => (ctx.path === '/read' ? read(ctx, next) : any(ctx, next)))
  app.use((ctx) => {
    ctx.body = toJson(ctx.state.auth as ActiveToken)
  })
  return app
}

function expressApp(introspector: Introspector): express.Express {
  const app = express()
  const answer: express.RequestHandler = (req, res) => {
    res.json(toJson((req as typeof req & { auth: ActiveToken }).auth))
  }
  app.get('/express/any', expressGuard(introspector), answer)
  app.get('/express/read', expressGuard(introspector, { scope: ['read'], realm: 'the "api"' }), answer)
  return app
}

function grpcServer(introspector: Introspector): Server {
  const server = new Server({ interceptors: [grpcGuard(introspector, { scope: 'read' })] })
  const check = {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: Buffer) => message,
    requestDeserialize: (message: Buffer) => message,
    responseSerialize: (message: Buffer) => message,
    responseDeserialize: (message: Buffer) => message,
  }
  server.addService(
    { check },
    {
      check: (call: Parameters<typeof authOf>[0], answer: (error: Error | null, message?: Buffer) => void) =>
        authOf(call)?.active ? answer(null, Buffer.of(0x08, 0x01)) : answer(new Error('no decision')),
    },
  )
  return server
}

const statusOf = (introspector: Introspector) => {
  const { ready, stalenessMs, revocations, keysRevision, asked, resets } = introspector.status()
  return { ready, staleness_ms: stalenessMs, revocations, keys_revision: keysRevision, asked, resets }
}

async function answerIntrospection(introspector: Introspector, req: IncomingMessage, res: ServerResponse) {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  try {
    res.end(JSON.stringify(toJson(await introspector.introspect(Buffer.concat(chunks).toString()))))
  } catch (thrown) {
    res.writeHead(thrown instanceof IntrospectionUnavailable ? 503 : 500).end()
  }
}
