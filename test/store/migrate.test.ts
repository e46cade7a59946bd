// Migrations: each once and in order, by one process at a time, and only as the continuation of what the database has.
import { createHash } from 'node:crypto'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Migration,
  migrate,
  migratedServices,
  migrateSchema,
  migrationsOf,
  pendingMigrations,
} from '../../prisma/migrate.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'

const migration = (name: string, sql: string): Migration => ({
  name,
  sql,
  checksum: createHash('sha256').update(sql).digest('hex'),
})

const first = migration('20260101000000_first', 'CREATE TABLE thing (id int PRIMARY KEY)')
const second = migration('20260102000000_second', 'ALTER TABLE thing ADD COLUMN name text')
const third = migration('20260103000000_third', 'CREATE INDEX thing_name ON thing (name)')

let database: FreshDatabase
let client: pg.Client

beforeAll(async () => {
  database = await freshDatabase()
  client = new pg.Client({ connectionString: database.dsn })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

let schema: string
let count = 0
beforeEach(() => {
  schema = `history${count++}`
})
afterEach(() => client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`))

const tables = async (): Promise<string[]> => {
  const { rows } = await client.query(`SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1`, [schema])
  return rows.map(({ tablename }) => tablename)
}

describe('a history of migrations', () => {
  it('is applied in order, and only what is missing', async () => {
    expect(await migrateSchema(client, schema, [first, second])).toEqual([first.name, second.name])
    expect(await migrateSchema(client, schema, [first, second])).toEqual([])
    expect(await migrateSchema(client, schema, [first, second, third])).toEqual([third.name])
    expect(await tables()).toEqual(['schema_migration', 'thing'])
  })

  it('whose past was changed is refused', async () => {
    await migrateSchema(client, schema, [first])
    const changed = migration(first.name, `${first.sql} -- changed`)
    await expect(migrateSchema(client, schema, [changed, second])).rejects.toThrow(
      `the migration ${schema}/${first.name} was changed after it was applied`,
    )
  })

  it('that lacks what a newer version applied is refused', async () => {
    await migrateSchema(client, schema, [first, second])
    await expect(migrateSchema(client, schema, [first])).rejects.toThrow(
      `the database has the migration ${schema}/${second.name}, which this version does not know`,
    )
  })

  it('that puts something before what was applied is refused', async () => {
    await migrateSchema(
      client,
      schema,
      [first, third].map(({ name }) => migration(name, 'SELECT 1')),
    )
    const all = [first, second, third].map(({ name }) => migration(name, 'SELECT 1'))
    await expect(migrateSchema(client, schema, all)).rejects.toThrow(
      `${second.name} is older than ${schema}/${third.name}`,
    )
  })

  it('that fails leaves nothing of the migration that failed', async () => {
    const broken = migration(second.name, 'CREATE TABLE half (id int); SELECT nonsense')
    await expect(migrateSchema(client, schema, [first, broken])).rejects.toThrow(
      `the migration ${schema}/${second.name} failed: column "nonsense" does not exist`,
    )
    expect(await tables()).toEqual(['schema_migration', 'thing'])
    expect(await migrateSchema(client, schema, [first, second])).toEqual([second.name])
  })
})

describe("the services' migrations", () => {
  it('are named by time, and apply to an empty database, by several processes at once', async () => {
    const names = migratedServices.flatMap((service) => migrationsOf(service).map(({ name }) => `${service}/${name}`))
    expect(names.length).toBeGreaterThan(2)
    for (const name of names) expect(name).toMatch(/^[a-z]+\/\d{14}_[a-z0-9_]+$/)

    for (const service of migratedServices) await client.query(`DROP SCHEMA ${service} CASCADE`)
    expect(await pendingMigrations(database.dsn, migratedServices)).toEqual(names)
    const applied = await Promise.all([1, 2, 3].map(() => migrate(database.dsn)))
    expect(applied.flat().toSorted()).toEqual(names.toSorted())
    expect(await pendingMigrations(database.dsn, migratedServices)).toEqual([])
  })
})
