// The servers that can be measured, each started as it would run in production.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { migrate } from '../../prisma/migrate.js'
import { projectRoot } from '../../services/kit/project_root.js'
import type { BenchDatabase } from './database.js'
import {
  type BenchServer,
  emptyGrpcName,
  freePort,
  oidcProviderInMemoryName,
  packageName,
  startNode,
  tesseraName,
} from './server.js'

const versionOf = (folder: string): string =>
  (JSON.parse(readFileSync(join(projectRoot, folder, 'package.json'), 'utf8')) as { version: string }).version

/** The first secret of every Tessera that is measured. */
export const systemSecret = 'Qw7zK2m!fP9sVx4tB8nLd3rGh6jYc1aE'

export interface TesseraOptions {
  /** The folder that a CPU profile is to be written to. */
  readonly profiles?: string | undefined
  readonly workers?: number
  readonly name?: string
  readonly database?: string
  readonly environment?: Record<string, string>
  readonly nodeOptions?: readonly string[]
}

/** Everything in one process, in production mode; or in each of several workers. */
export async function startTessera(
  postgres: BenchDatabase,
  { profiles, workers = 1, name = tesseraName, database = 'tessera', ...own }: TesseraOptions = {},
): Promise<BenchServer & { readonly startMs: number }> {
  const dsn = await postgres.create(database)
  await migrate(dsn)
  const [publicPort, adminPort, grpcPort] = [await freePort(), await freePort(), await freePort()]
  const publicUrl = `http://127.0.0.1:${publicPort}`
  const environment = {
    DSN: dsn,
    SECRETS_SYSTEM: systemSecret,
    URLS_SELF_ISSUER: publicUrl,
    URLS_LOGIN: 'https://login.example.com/login',
    URLS_CONSENT: 'https://login.example.com/consent',
    SERVE_PUBLIC_PORT: `${publicPort}`,
    SERVE_ADMIN_PORT: `${adminPort}`,
    SERVE_GRPC_PORT: `${grpcPort}`,
    // So that keys of another algorithm sign within the run.
    KEYS_PUBLISH_BEFORE_USE: '4s',
    LOG_LEVEL: 'warn',
    ...own.environment,
  }
  const args = ['serve', 'all', '--workers', `${workers}`]
  const nodeOptions = [...(profiles ? ['--cpu-prof', '--cpu-prof-dir', profiles] : []), ...(own.nodeOptions ?? [])]
  const { pid, startMs, said, stop } = await startNode('cli/main.js', args, environment, nodeOptions)
  return {
    name,
    dialect: 'hydra',
    isOwn: true,
    publicUrl,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    grpc: `127.0.0.1:${grpcPort}`,
    version: versionOf('.'),
    description: `all services in ${workers === 1 ? 'one process' : `each of ${workers} workers`}, production mode, PostgreSQL`,
    pid,
    workers,
    startMs,
    database,
    said,
    stop,
  }
}

/** In memory, which loses everything at a restart and keeps at most 1,000 entries; or with the adapter in this folder. */
export async function startOidcProvider(postgres: BenchDatabase, storage: 'memory' | 'postgres'): Promise<BenchServer> {
  const database = storage === 'postgres' ? 'oidc_provider' : ''
  const dsn = database ? [await postgres.create(database)] : []
  const port = await freePort()
  const { pid, stop } = await startNode('bench/servers/oidc_provider_process.js', [`${port}`, ...dsn], {
    NODE_ENV: 'production',
  })
  const url = `http://127.0.0.1:${port}`
  return {
    name: storage === 'memory' ? oidcProviderInMemoryName : 'oidc-provider (PostgreSQL)',
    dialect: 'oidc-provider',
    isOwn: true,
    publicUrl: url,
    adminUrl: url,
    grpc: '',
    version: versionOf('node_modules/oidc-provider'),
    description:
      storage === 'memory'
        ? 'its in-memory adapter: at most 1,000 entries, lost at a restart'
        : 'bench/servers/postgres_adapter.ts, on the same PostgreSQL',
    pid,
    database,
    stop,
  }
}

export async function startEmptyGrpc(): Promise<BenchServer> {
  const port = await freePort()
  const { pid, stop } = await startNode('bench/servers/empty_grpc_process.js', [`${port}`])
  return {
    name: emptyGrpcName,
    dialect: 'empty-grpc',
    isOwn: true,
    publicUrl: '',
    adminUrl: '',
    grpc: `127.0.0.1:${port}`,
    version: versionOf('node_modules/@grpc/grpc-js'),
    description: 'a unary method that takes nothing and gives nothing',
    pid,
    database: '',
    stop,
  }
}

/** A resource server of Tessera's tokens, which decides on them with our package or, to compare, with jose alone. */
export async function startResourceServer(
  { publicUrl, adminUrl, grpc }: BenchServer,
  verifier: 'package' | 'jose',
): Promise<BenchServer> {
  const port = await freePort()
  const script = 'bench/servers/resource_server_process.js'
  const { pid, stop } = await startNode(script, [verifier, publicUrl, grpc, `${port}`])
  const isPackage = verifier === 'package'
  return {
    name: isPackage ? packageName : 'jose',
    dialect: 'hydra',
    isOwn: true,
    publicUrl,
    adminUrl,
    grpc: '',
    decidesAt: `http://127.0.0.1:${port}`,
    version: versionOf(isPackage ? 'clients/typescript' : 'node_modules/jose'),
    description: isPackage
      ? 'the package in a resource server: published keys and the feed of revocations'
      : 'jwtVerify in a resource server: signature and claims alone, nothing of revocations',
    pid,
    database: '',
    stop,
  }
}

/** A server that runs already and speaks Hydra's API. */
export const otherServer = (publicUrl: string, adminUrl: string, pid: number | undefined): BenchServer => ({
  name: `against ${publicUrl}`,
  dialect: 'hydra',
  isOwn: false,
  publicUrl,
  adminUrl,
  grpc: '',
  version: '',
  description: pid === undefined ? 'given by --against: its CPU cannot be read' : 'given by --against',
  pid,
  database: '',
  stop: async () => undefined,
})
