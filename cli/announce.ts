// What a person sees when the server is ready: one line with the addresses, and in development what to try.
import { demoUser } from '../demo/demo_user.js'
import { monotonicMs } from '../services/kit/clock.js'
import type { Server } from './serve.js'

/** Prints the `ready` line; programs may wait for it. */
export function announce(server: Server, version: string, what: string, startedAt: number): void {
  const { config, demo, workers } = server
  const { publicUrl, adminUrl, grpc } = server.addresses
  const places = { public: publicUrl, admin: adminUrl, grpc, demo }
  const listed = Object.entries(places).flatMap(([name, at]) => (at ? [`${name} ${at}`] : []))
  if (workers > 1) listed.push(`workers ${workers}`)
  const seconds = ((monotonicMs() - startedAt) / 1_000).toFixed(1)
  const lines = [`ready: ${listed.join(', ')}`]
  if (config.dev && what === 'all') lines.push(...whatToTry(server, version, seconds))
  process.stdout.write(`${lines.join('\n')}\n`)
}

function whatToTry({ config, addresses, demo }: Server, version: string, seconds: string): string[] {
  const { publicUrl, adminUrl, grpc } = addresses
  const secret = 'a-secret-of-mine'
  const client = JSON.stringify({ client_id: 'machine', client_secret: secret, grant_types: ['client_credentials'] })
  return [
    '',
    `Tessera ${version} in development mode, ready after ${seconds} s; its files are in ${config.dataDir}`,
    '',
    `  public   ${publicUrl}   OAuth 2.0 and OpenID Connect`,
    `  admin    ${adminUrl}   Hydra's admin API`,
    `  gRPC     ${grpc}`,
    ...(demo ? [`  demo     ${demo}   log in as ${demoUser.email}, password ${demoUser.password}`] : []),
    '',
    'Try:',
    `  curl ${publicUrl}/.well-known/openid-configuration`,
    `  curl ${adminUrl}/admin/clients -d '${client}'`,
    `  curl ${publicUrl}/oauth2/token -u machine:${secret} -d grant_type=client_credentials`,
    `  grpcurl -plaintext ${grpc} list`,
    '',
    'Ctrl-C ends it.',
  ]
}
