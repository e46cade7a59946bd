// Every statement of the server has a plan that reads no table that grows from end to end: what stands in the stores, and what
// Prisma sends. The tables are empty here, so a plan that can avoid that is told to; on millions of rows, `npm run bench growth`
// looks at the plans that PostgreSQL chooses by itself.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { checkPlans } from '../../bench/growth/plans.js'
import { recordStatements } from '../../bench/growth/recorder.js'
import { definedStatements, type OwnedStatement } from '../../bench/growth/statements.js'
import { tour } from '../../bench/growth/tour.js'
import { projectRoot } from '../../services/kit/project_root.js'
import { logIn, refresh } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { createClient } from '../support/user_agent.js'

let suite: Suite
let database: pg.Client
const sent: OwnedStatement[] = []
let stopRecording: () => void

beforeAll(async () => {
  stopRecording = recordStatements((statement) => sent.push(statement))
  suite = await startSuite()
  database = new pg.Client({ connectionString: suite.dsn })
  await database.connect()
})
afterAll(async () => {
  stopRecording()
  await database.end()
  await suite.stop()
})

/** The names that statements of the stores have where they are written, `purge_${…}` among them. */
function writtenNames(): string[] {
  const folders = ['client', 'consent', 'token'].map((service) => join(projectRoot, 'services', service, 'store'))
  const sources = folders.flatMap((folder) =>
    readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8')),
  )
  return sources.flatMap((source) =>
    [...source.matchAll(/\bname: ['`]([^'`]+)['`],\s+text:/g)].map(([, name = '']) => name),
  )
}

describe('plans', () => {
  it('know every statement that a store defines', () => {
    const known = definedStatements.map(({ name }) => name)
    expect(writtenNames().length).toBeGreaterThan(20)
    const unknown = writtenNames().filter((name) => {
      const pattern = new RegExp(`^${name.replace(/\$\{[^}]*\}/g, '\\w+')}$`)
      return !known.some((candidate) => pattern.test(candidate))
    })
    expect(unknown).toEqual([])
  })

  it('read no table that grows from end to end', async () => {
    const client = await createClient(suite)
    const tokens = await logIn(suite, client)
    await refresh(suite, client, tokens.refresh_token)
    await tour(suite)
    await vi.waitFor(() => expect(sent.some(({ text }) => text.startsWith('DELETE FROM "client"."client"'))).toBe(true))
    const own = sent.filter(({ schema }) => schema !== '')
    const { statements, problems, unexplained } = await checkPlans(database, 'empty', [...own, ...definedStatements])
    expect(unexplained).toEqual([])
    expect(problems).toEqual([])
    expect(statements).toBeGreaterThan(definedStatements.length)
  })
})
