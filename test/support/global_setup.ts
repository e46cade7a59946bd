// One PostgreSQL for a whole run of the tests, with a template database that every test's own one is copied from.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { EmbeddedPostgres } from '../../cli/embedded_postgres.js'
import { migrate } from '../../prisma/migrate.js'

declare module 'vitest' {
  export interface ProvidedContext {
    postgresDsn: string
  }
  interface TaskMeta {
    /** What a test needs of the machine; told where it is skipped for want of it. */
    needs?: string
  }
}

export const templateName = 'tessera_template'

let teardownPostgres: (() => Promise<void>) | undefined

export async function setup(project: TestProject): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-test-'))
  // Run as root, PostgreSQL is another user.
  chmodSync(folder, 0o755)
  const postgres = await EmbeddedPostgres.start({ folder: join(folder, 'postgres'), durable: false })
  teardownPostgres = async () => {
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  await makeTemplate(postgres.dsn)
  project.provide('postgresDsn', postgres.dsn)
}

export async function teardown(): Promise<void> {
  await teardownPostgres?.()
}

async function makeTemplate(dsn: string): Promise<void> {
  const client = new pg.Client({ connectionString: dsn })
  await client.connect()
  await client.query(`CREATE DATABASE ${templateName}`)
  await client.end()
  const template = new URL(dsn)
  template.pathname = `/${templateName}`
  const inTemplate = new pg.Client({ connectionString: template.href })
  await inTemplate.connect()
  await inTemplate.query('CREATE EXTENSION pg_stat_statements')
  await inTemplate.end()
  await migrate(template.href)
}
