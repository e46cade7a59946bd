// The embedded PostgreSQL: keeps its data, refuses two owners, and gets over owners that were killed.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EmbeddedPostgres } from '../../cli/embedded_postgres.js'
import { StartupError } from '../../services/kit/startup_error.js'

let folder: string
let postgres: EmbeddedPostgres

const start = () => EmbeddedPostgres.start({ folder, durable: false })

async function query(dsn: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: dsn })
  await client.connect()
  try {
    return await client.query(statement)
  } finally {
    await client.end()
  }
}

const pidFile = () => join(folder, 'cluster/postmaster.pid')
const postmaster = () => Number(readFileSync(pidFile(), 'utf8').split('\n')[0])

beforeAll(async () => {
  const parent = mkdtempSync(join(tmpdir(), 'tessera-embedded-'))
  // Run as root, PostgreSQL is another user.
  chmodSync(parent, 0o755)
  folder = join(parent, 'postgres')
  postgres = await start()
})

afterAll(async () => {
  await postgres?.stop()
  rmSync(join(folder, '..'), { recursive: true, force: true })
})

describe('the embedded PostgreSQL', () => {
  it('listens on the loopback alone and asks for a password that is its own', async () => {
    const { rows } = await query(postgres.dsn, 'SHOW listen_addresses')
    expect(rows).toEqual([{ listen_addresses: '127.0.0.1' }])
    const stranger = new URL(postgres.dsn)
    stranger.password = 'postgres'
    await expect(query(stranger.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/)
    expect(statSync(join(folder, 'password')).mode & 0o077).toBe(0)
  })

  it('counts statements, and takes UTF-8 in the C locale', async () => {
    const { rows } = await query(
      postgres.dsn,
      `SELECT current_setting('shared_preload_libraries') AS preloaded, datcollate AS collation,
              pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = current_database()`,
    )
    expect(rows).toEqual([{ preloaded: 'pg_stat_statements', collation: 'C', encoding: 'UTF8' }])
  })

  it('is durable unless it was asked not to be', async () => {
    expect((await query(postgres.dsn, 'SHOW fsync')).rows).toEqual([{ fsync: 'off' }])
    await postgres.stop()
    postgres = await EmbeddedPostgres.start({ folder })
    const { rows } = await query(
      postgres.dsn,
      `SELECT current_setting('fsync') f, current_setting('synchronous_commit') s`,
    )
    expect(rows).toEqual([{ f: 'on', s: 'on' }])
  })

  it('refuses a second owner, in one line that says what to do', async () => {
    const refusal = await start().catch((thrown) => thrown)
    expect(refusal).toBeInstanceOf(StartupError)
    expect(refusal.message).toMatch(/is in use by another running instance: .*--data/)
    expect((await query(postgres.dsn, 'SELECT 1 AS still')).rows).toEqual([{ still: 1 }])
  })

  it('keeps what was committed when it is stopped, within five seconds, with transactions under way', async () => {
    await query(postgres.dsn, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const open = new pg.Client({ connectionString: postgres.dsn })
    open.on('error', () => undefined)
    await open.connect()
    await open.query('BEGIN; INSERT INTO kept VALUES (43)')
    const startedAt = performance.now()
    await postgres.stop()
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    expect(existsSync(pidFile())).toBe(false)
    postgres = await start()
    expect((await query(postgres.dsn, 'SELECT answer FROM kept')).rows).toEqual([{ answer: 42 }])
  })

  it('ends a server whose owner was killed, and starts anew with its data', async () => {
    const orphan = postmaster()
    // What is left of an owner that was killed: its connections are gone, its server lives.
    await query(
      postgres.dsn,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tessera-owner'`,
    )
    const next = await start()
    expect(postmaster()).not.toBe(orphan)
    expect(() => process.kill(orphan, 0)).toThrow('ESRCH')
    postgres = next
    expect((await query(postgres.dsn, 'SELECT answer FROM kept')).rows).toEqual([{ answer: 42 }])
  })

  it('recovers after everything was killed', async () => {
    await query(postgres.dsn, 'INSERT INTO kept VALUES (44)')
    process.kill(postmaster(), 'SIGKILL')
    await postgres.ended
    expect(existsSync(pidFile())).toBe(true)
    postgres = await start()
    expect((await query(postgres.dsn, 'SELECT answer FROM kept')).rows).toHaveLength(2)
  })

  it('does not take another program for its server', async () => {
    await postgres.stop()
    writeFileSync(pidFile(), `${process.pid}\n${folder}/cluster\n1700000000\n1\n`)
    postgres = await start()
    expect(postmaster()).not.toBe(process.pid)
  })

  it('says in one line why it cannot be set up', async () => {
    const blocked = join(folder, 'cluster/PG_VERSION/postgres')
    const refusal = await EmbeddedPostgres.start({ folder: blocked }).catch((thrown) => thrown)
    expect(refusal).toBeInstanceOf(StartupError)
    expect(refusal.message).toMatch(
      /cannot be made \(E[A-Z]+\): choose a data folder that you can write to with --data/,
    )
  })
})
