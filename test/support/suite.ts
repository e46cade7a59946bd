// A whole running server for a test: all in this process, or each service a process of its own. TESSERA_SHAPE chooses
// where a test does not.
import { type ServiceName, serviceNames } from '../../services/kit/config/check.js'
import type { Config } from '../../services/kit/config/config.js'
import { Peers } from '../../services/kit/peers.js'
import type { Remote, ServiceDefinition } from '../../services/kit/rpc/contract.js'
import { StartupError } from '../../services/kit/startup_error.js'
import { type Overrides, testConfig } from './config.js'
import { checkAnswersOf } from './contract/answers.js'
import { freePorts } from './ports.js'
import { freshDatabase } from './postgres.js'
import { type Stoppable, startInProcess, startProcesses } from './suite_shapes.js'

export type Shape = 'one' | 'many'

export interface SuiteOptions {
  readonly config?: Overrides<Config>
  readonly shape?: Shape
}

export interface Suite {
  readonly shape: Shape
  readonly publicUrl: string
  readonly adminUrl: string
  /** Where each service answers over gRPC; in one process all at the same place. */
  readonly grpcAddresses: Readonly<Record<ServiceName, string>>
  /** Where all services answer in one process; of many, where the token service does. */
  readonly grpcAddress: string
  readonly dsn: string
  readonly config: Config
  /** A service over the wire, as an operator on this machine. */
  remote<D extends ServiceDefinition>(definition: D): Remote<D>
  /** Ends the server; the database goes with it. */
  stop(): Promise<void>
  /** Ends the server and starts it again, on the same database and ports. */
  restart(): Promise<void>
}

const defaultShape: Shape = process.env.TESSERA_SHAPE === 'many' ? 'many' : 'one'

export async function startSuite({ config: overrides = {}, shape = defaultShape }: SuiteOptions = {}): Promise<Suite> {
  const database = await freshDatabase()
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOn(await choosePorts(overrides, shape, database.dsn), shape, database.drop)
    } catch (thrown) {
      const portWasTaken = thrown instanceof StartupError && /taken/.test(thrown.message)
      if (portWasTaken && attempt < 5) continue
      await database.drop()
      throw thrown
    }
  }
}

interface Place {
  readonly config: Config
  readonly grpcPorts: Readonly<Record<ServiceName, number>>
  /** All that this suite says otherwise than the defaults of tests. */
  readonly overrides: Overrides<Config>
}

async function choosePorts(given: Overrides<Config>, shape: Shape, dsn: string): Promise<Place> {
  const [publicPort = 0, adminPort = 0, ...grpc] = await freePorts(6)
  const portOf = (index: number) => (shape === 'one' ? grpc[0] : grpc[index]) ?? 0
  const grpcPorts = { client: portOf(0), consent: portOf(1), token: portOf(2), introspection: portOf(3) }
  const publicUrl = `http://127.0.0.1:${publicPort}`
  const adminUrl = `http://127.0.0.1:${adminPort}`
  const ports: Overrides<Config> = {
    dsn,
    serve: { public: { port: publicPort }, admin: { port: adminPort }, grpc: { port: grpcPorts.client } },
    urls: { self: { issuer: publicUrl, public: publicUrl, admin: adminUrl } },
  }
  const overrides = mergeOverrides(ports, given)
  return { config: testConfig(overrides), grpcPorts, overrides }
}

async function startOn(
  { config, grpcPorts, overrides }: Place,
  shape: Shape,
  drop: () => Promise<void>,
): Promise<Suite> {
  const start = (): Promise<Stoppable> =>
    shape === 'one' ? startInProcess(config) : startProcesses(overrides, config, grpcPorts)
  const addresses = mapServices((name) => `127.0.0.1:${grpcPorts[name]}`)
  const urls = {
    publicUrl: `http://127.0.0.1:${config.serve.public.port}`,
    adminUrl: `http://127.0.0.1:${config.serve.admin.port}`,
  }
  let running = await start()
  checkAnswersOf(urls)
  const operator = new Peers(asOperator(config, addresses), [])
  return {
    shape,
    ...urls,
    grpcAddresses: addresses,
    grpcAddress: addresses.token,
    dsn: config.dsn,
    config,
    remote: (definition) => operator.remote(definition, 'operator'),
    stop: async () => {
      operator.close()
      await running.stop()
      await drop()
    },
    restart: async () => {
      await running.stop()
      running = await start()
    },
  }
}

/** Calls from this machine that show nothing come from an operator. */
function asOperator(config: Config, addresses: Readonly<Record<ServiceName, string>>): Config {
  const services = { ...mapServices((name) => ({ address: addresses[name] })), credential: '', tls: undefined }
  return { ...config, services, secrets: { system: [], cookie: [], pagination: [] } }
}

function mapServices<T>(of: (name: ServiceName) => T): Record<ServiceName, T> {
  return Object.fromEntries(serviceNames.map((name) => [name, of(name)])) as Record<ServiceName, T>
}

function mergeOverrides(base: Overrides<Config>, over: Overrides<Config>): Overrides<Config> {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const under = merged[key]
    merged[key] = isGroup(under) && isGroup(value) ? mergeOverrides(under, value) : value
  }
  return merged
}

const isGroup = (value: unknown): value is Overrides<Config> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
