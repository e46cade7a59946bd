// A migrated database of its own for each test that needs one.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

export interface FreshDatabase {
  readonly dsn: string
  drop(): Promise<void>
}

/** Copies the template; takes some tens of milliseconds. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await administer(`CREATE DATABASE ${name} TEMPLATE tessera_template`)
  const dsn = new URL(inject('postgresDsn'))
  dsn.pathname = `/${name}`
  return { dsn: dsn.href, drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgresDsn') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
