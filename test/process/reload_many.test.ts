// RL-26 where each service is a process of its own: they share a file, read it each in its own time, and a secret is exchanged
// without a request that fails.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { serviceNames } from '../../services/kit/config/check.js'
import { introspect, post } from '../support/oauth.js'
import { freePorts } from '../support/ports.js'
import { freshDatabase } from '../support/postgres.js'
import { type Program, startProgram } from '../support/program.js'
import type { Suite } from '../support/suite.js'
import { createClient } from '../support/user_agent.js'

const [first, second] = ['the-first-Secret-of-9-processes', 'the-second-Secret-of-9-processes']
const folder = mkdtempSync(join(tmpdir(), 'tessera-many-'))
const file = join(folder, 'hydra.yml')
let programs: Program[] = []

afterEach(async () => {
  for (const { child } of programs) child.kill('SIGTERM')
  await Promise.all(programs.map(({ ended }) => ended))
  rmSync(folder, { recursive: true, force: true })
})

function write(system: readonly string[], ttl: string): void {
  writeFileSync(
    `${file}.new`,
    stringify({ dev: true, log: { level: 'info' }, secrets: { system }, ttl: { access_token: ttl } }),
  )
  renameSync(`${file}.new`, file)
}

/** Resolves when each process has read the file once more than `times`. */
const allHaveRead = (times: number) =>
  Promise.all(
    programs.map((program) => program.until(new RegExp(`(?:the configuration was read again[^]*?){${times}}`))),
  )

async function startAll(dsn: string): Promise<Suite> {
  const [publicPort = 0, adminPort = 0, ...grpc] = await freePorts(6)
  const addresses = serviceNames.map((name, index) => [
    `SERVICES_${name.toUpperCase()}_ADDRESS`,
    `127.0.0.1:${grpc[index]}`,
  ])
  const publicUrl = `http://127.0.0.1:${publicPort}`
  const pages = 'http://127.0.0.1:3000'
  const shared = {
    ...Object.fromEntries(addresses),
    DSN: dsn,
    SERVE_PUBLIC_PORT: `${publicPort}`,
    SERVE_ADMIN_PORT: `${adminPort}`,
    URLS_SELF_ISSUER: publicUrl,
    URLS_LOGIN: `${pages}/login`,
    URLS_CONSENT: `${pages}/consent`,
  }
  programs = await Promise.all(
    [...serviceNames, 'gateway'].map((role, index) =>
      startProgram(['serve', role, '-c', file], { ...shared, SERVE_GRPC_PORT: `${grpc[index] ?? 0}` }),
    ),
  )
  await Promise.all(programs.map((program) => program.until(/^ready/m)))
  return { publicUrl, adminUrl: `http://127.0.0.1:${adminPort}` } as Suite
}

it('RL-26: a secret that is listed last everywhere, then first, then alone', { timeout: 120_000 }, async () => {
  const database = await freshDatabase()
  write([first], '1h')
  const suite = await startAll(database.dsn)
  const client = await createClient(suite, { grant_types: ['client_credentials'], scope: 'read' })
  const issue = () => post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, client)
  const old = String((await issue()).body.access_token)

  const failures: unknown[] = []
  let isOn = true
  const ask = async () => {
    while (isOn) {
      const { status, body } = await issue()
      const told = await introspect(suite, String(body.access_token))
      if (status !== 200 || told.active !== true) failures.push({ status, body, told })
    }
  }
  const asking = [ask(), ask()]

  write([first, second], '50m')
  await allHaveRead(1)
  write([second, first], '40m')
  await allHaveRead(2)
  expect((await issue()).body.expires_in).toBe(2400)
  expect(await introspect(suite, old)).toMatchObject({ active: true })
  const fresh = String((await issue()).body.access_token)
  isOn = false
  await Promise.all(asking)
  expect(failures).toEqual([])

  write([second], '30m')
  await allHaveRead(3)
  expect(await introspect(suite, old)).toEqual({ active: false })
  expect(await introspect(suite, fresh)).toMatchObject({ active: true })
  expect((await issue()).body.expires_in).toBe(1800)
  await database.drop()
})
