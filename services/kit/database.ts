// One service's PostgreSQL: a pool of connections, a Prisma client for reads by key, raw statements for the hottest
// writes. What the caller no longer waits for is cancelled at the server; an outage is told as an outage.
import { AsyncLocalStorage } from 'node:async_hooks'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { log } from './log.js'
import { OAuthError } from './oauth_error.js'
import type { Call } from './rpc/contract.js'

export interface DatabaseOptions {
  /** Where the database is, as a URL: `postgres://user:password@host:port/name`. */
  readonly dsn: string
  /** The PostgreSQL schema that this service owns. */
  readonly schema: string
  /** Connections at most. */
  readonly maxConnections: number
}

/** A statement of the store; its name lets the server keep it prepared. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** Below every deadline in the table of rules, so that the server gives up before the caller does. */
const statementTimeoutMs = 2_500
const connectTimeoutMs = 1_000
const backgroundConnections = 2

/**
 * What serves a call is prepared and answered by an index whatever its values: to plan it anew each time can cost more than to
 * run it. The plan may have been made while a table was small, and has to be good when that has grown.
 */
const plannedOnce = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off'

/** The call that a query serves: its signal ends the query. */
export type HasSignal = Pick<Call, 'signal'>

interface Scope {
  readonly call: HasSignal | undefined
  failure: unknown
}

/** What Prisma's queries are for. Raw statements say it themselves, since following every promise costs every promise. */
const scopes = new AsyncLocalStorage<Scope>()
let scopesInUse = 0

export class Database<P extends { $disconnect(): Promise<void> }> {
  readonly #pool: CancellingPool
  /** Apart from the calls, so that a rush of them does not make the feeds stale. */
  readonly #backgroundPool: pg.Pool
  readonly #prisma: P

  constructor(options: DatabaseOptions, createPrisma: (adapter: PrismaPg) => P) {
    const config: pg.PoolConfig = {
      connectionString: options.dsn,
      max: options.maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      // A server that has gone silent does not answer to its own timeout either.
      query_timeout: statementTimeoutMs + 500,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      application_name: `tessera-${options.schema}`,
      options: [
        `-c search_path=${options.schema}`,
        `-c statement_timeout=${statementTimeoutMs}`,
        `-c idle_in_transaction_session_timeout=${2 * statementTimeoutMs}`,
      ].join(' '),
    }
    this.#pool = new CancellingPool({ ...config, options: `${config.options} ${plannedOnce}` })
    this.#backgroundPool = new pg.Pool({ ...config, max: backgroundConnections })
    for (const pool of [this.#pool, this.#backgroundPool])
      pool.on('error', (err) => log.warn({ err, schema: options.schema }, 'an idle database connection was lost'))
    const adapter = new PrismaPg(this.#pool, {
      schema: options.schema,
      statementNameGenerator: ({ sql }) => nameOf(sql),
    })
    this.#prisma = createPrisma(adapter)
  }

  /** Works through Prisma on behalf of a call. Outages are thrown as `temporarily_unavailable`, the rest as it is. */
  async prisma<T>(call: Call | undefined, work: (prisma: P) => Promise<T>): Promise<T> {
    const scope: Scope = { call, failure: undefined }
    scopesInUse++
    try {
      return await scopes.run(scope, async () => await work(this.#prisma))
    } catch (thrown) {
      throw outageOf(scope.failure ?? thrown) ?? thrown
    } finally {
      if (--scopesInUse === 0) scopes.disable()
    }
  }

  /** Runs one raw statement on behalf of a call; conflicts between transactions are tried again, at most three times. */
  query<R extends pg.QueryResultRow>(statement: Statement, values: unknown[], call?: HasSignal): Promise<R[]> {
    return runOn<R>(statement, values, (config) => this.#pool.queryFor<R>(call, config))
  }

  /** The same for the work in the background, on connections of its own. */
  queryInBackground<R extends pg.QueryResultRow>(statement: Statement, values: unknown[]): Promise<R[]> {
    return runOn<R>(statement, values, (config) => this.#backgroundPool.query<R>(config))
  }

  /** Whether the database answers now. */
  async ping(): Promise<boolean> {
    try {
      await this.#pool.query('SELECT 1 /* background: ping */')
      return true
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    await this.#prisma.$disconnect()
    await Promise.all([this.#pool.end(), this.#backgroundPool.end()])
  }
}

async function runOn<R extends pg.QueryResultRow>(
  statement: Statement,
  values: unknown[],
  query: (config: pg.QueryConfig) => Promise<pg.QueryResult<R>>,
): Promise<R[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await query({ ...statement, values })
      return result.rows
    } catch (thrown) {
      if (attempt < 4 && isConflict(thrown)) continue
      throw outageOf(thrown) ?? thrown
    }
  }
}

/** A pool whose queries are cancelled at the server when the call that they serve is given up. */
class CancellingPool extends pg.Pool {
  /** A connection apart, so that a pool whose connections are all taken can still cancel. */
  readonly #canceller: pg.Pool

  constructor(config: pg.PoolConfig) {
    super(config)
    this.#canceller = new pg.Pool({ ...config, max: 1, idleTimeoutMillis: 1_000 })
    this.#canceller.on('error', () => undefined)
  }

  override end = (async () => {
    await this.#canceller.end()
    await super.end()
  }) as pg.Pool['end']

  /** Runs a query on behalf of a call. */
  async queryFor<R extends pg.QueryResultRow>(
    call: HasSignal | undefined,
    config: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<R>> {
    const signal = call?.signal
    signal?.throwIfAborted()
    const connection = await this.connect()
    let cancelling: Promise<unknown> | undefined
    const cancel = () => {
      cancelling = this.#canceller
        .query(`SELECT pg_cancel_backend(${processOf(connection)}) /* cancel */`)
        .catch(() => undefined)
    }
    signal?.addEventListener('abort', cancel, { once: true })
    // What breaks the connection fails its query too; an event that nobody hears would end the process.
    connection.on('error', heard)
    let broken = false
    try {
      return await connection.query<R>(config as pg.QueryConfig, values)
    } catch (thrown) {
      broken = isBroken(thrown)
      throw thrown
    } finally {
      signal?.removeEventListener('abort', cancel)
      // A connection goes back only when no cancellation can hit its next query.
      await cancelling
      connection.off('error', heard)
      connection.release(broken)
    }
  }

  override query = (async (config: string | pg.QueryConfig, values?: unknown[]) => {
    const scope = scopes.getStore()
    try {
      return await this.queryFor(scope?.call, config, values)
    } catch (thrown) {
      if (scope) scope.failure = thrown
      throw thrown
    }
  }) as pg.Pool['query']
}

const heard = () => undefined

const processOf = (connection: pg.PoolClient): number => Number((connection as { processID?: unknown }).processID)

const codeOf = (thrown: unknown): string => String((thrown as { code?: unknown } | null)?.code ?? '')

/** Serialization failure and deadlock. */
const isConflict = (thrown: unknown): boolean => ['40001', '40P01'].includes(codeOf(thrown))

/** An error of the connection and not of the statement: PostgreSQL's own errors have a code of five characters. */
const isBroken = (thrown: unknown): boolean => !/^[0-9A-Z]{5}$/.test(codeOf(thrown)) || /^(08|57P)/.test(codeOf(thrown))

/** Connection trouble, shutdown, too many connections, no space, read-only standby, cancelled and timed-out statements. */
const outageCodes = /^(08...|28...|3D000|57P..|57014|53...|25006|40001|40P01|55P03)$/

/** The error as an outage; undefined if it is none. */
export function outageOf(thrown: unknown): OAuthError | undefined {
  if (thrown instanceof OAuthError) return thrown
  const code = codeOf(thrown)
  const isPostgres = /^[0-9A-Z]{5}$/.test(code) && !/^E/.test(code) && !/^P\d{4}$/.test(code)
  const isOutage = isPostgres
    ? outageCodes.test(code)
    : /^E[A-Z]+$|^P1\d{3}$|^P2024$|^P2028$/.test(code) || /timeout|terminat|abort|Connection/i.test(String(thrown))
  return isOutage ? new OAuthError('temporarily_unavailable', undefined, { cause: thrown }) : undefined
}

const names = new Map<string, string>()

/** A short name for each text of a statement. Prisma's texts are a bounded set: they depend on shapes, not on values. */
function nameOf(sql: string): string {
  let name = names.get(sql)
  if (!name) {
    name = `p${names.size}`
    names.set(sql, name)
  }
  return name
}
