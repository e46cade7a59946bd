// ClientService/AuthenticateClient (RFC 6749 2.3; security.md TK-01 to TK-06, BF-04 to BF-06).

import { scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientCredentials } from '#proto/client/v1/client_service.js'
import {
  basic,
  type Clients,
  refusalOf,
  register,
  type StartedClientService,
  startClientService,
} from '../support/client_service.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'

let database: FreshDatabase
let started: StartedClientService
let clients: Clients
let admin: pg.Client
/** Secrets by the id of the client; each id says how its client authenticates. */
const secrets: Record<string, string> = {}

beforeAll(async () => {
  database = await freshDatabase()
  started = await startClientService(database.dsn)
  clients = started.clients
  admin = new pg.Client({ connectionString: database.dsn })
  await admin.connect()
  const add = async (clientId: string, tokenEndpointAuthMethod: string, secret = '') => {
    secrets[clientId] = (await register(clients, { clientId, tokenEndpointAuthMethod }, secret)).clientSecret
  }
  await add('basic', 'client_secret_basic')
  await add('post', 'client_secret_post')
  await add('public', 'none')
  await add('chosen', 'client_secret_basic', 'a secret: 100% & +ü 😀')
  await add('lookalike', 'client_secret_post', 'exactly-26-chars-by-person')
  await add('a+b%c:d', 'client_secret_basic')
})
afterAll(async () => {
  await admin.end()
  await started.running.stop()
  await database.drop()
})

const authenticate = (credentials: Partial<ClientCredentials>) =>
  clients.authenticateClient({ credentials: ClientCredentials.create(credentials) })
const secretOf = (id: string): string => secrets[id] ?? ''
const withBasic = (id: string, secret = secretOf(id)) => authenticate({ authorization: basic(id, secret) })
const withPost = (clientId: string, clientSecret = secretOf(clientId)) => authenticate({ clientId, clientSecret })

const generic =
  'Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method).'

describe('the right way', () => {
  it('RFC 6749 2.3.1: client_secret_basic', async () => {
    const { client, method, reusable } = await withBasic('basic')
    expect({ id: client?.clientId, method, reusable }).toEqual({
      id: 'basic',
      method: 'client_secret_basic',
      reusable: true,
    })
    expect(client).toEqual((await clients.getClient({ clientId: 'basic' })).client)
  })

  it('RFC 6749 2.3.1: client_secret_post', async () => {
    expect(await withPost('post')).toMatchObject({ method: 'client_secret_post', reusable: true })
  })

  it('RFC 6749 2.1: a public client is identified', async () => {
    expect(await authenticate({ clientId: 'public' })).toMatchObject({ method: 'none', client: { clientId: 'public' } })
  })

  it('RFC 6749 2.3.1: id and secret are form-urlencoded inside of Basic', async () => {
    expect((await withBasic('chosen')).client?.clientId).toBe('chosen')
    const form = new URLSearchParams([
      ['id', 'chosen'],
      ['secret', secretOf('chosen')],
    ])
    const [, encoded = ''] = form.toString().split('secret=')
    expect(encoded).toContain('+')
    expect(
      (await authenticate({ authorization: `Basic ${Buffer.from(`chosen:${encoded}`).toString('base64')}` })).method,
    ).toBe('client_secret_basic')
    expect((await withBasic('a+b%c:d')).client?.clientId).toBe('a+b%c:d')
  })

  it('RFC 7617 2: the scheme has no case; a client_id that agrees may stand beside it', async () => {
    const encoded = basic('basic', secretOf('basic')).slice(6)
    expect((await authenticate({ authorization: `bAsIc ${encoded}`, clientId: 'basic' })).method).toBe(
      'client_secret_basic',
    )
  })
})

describe('TK-01: two methods at once', () => {
  const cases: Partial<ClientCredentials>[] = [
    { clientSecret: 'x', clientId: 'basic' },
    { clientAssertion: 'x', clientAssertionType: 'y' },
    { clientAssertionType: 'y' },
  ]
  it.each(cases)('Basic and %j', async (credentials) => {
    const authorization = basic('basic', secretOf('basic'))
    expect((await refusalOf(authenticate({ authorization, ...credentials }))).code).toBe('invalid_request')
  })
  it('a secret and an assertion', async () => {
    const both = { clientId: 'post', clientSecret: secretOf('post'), clientAssertion: 'x' }
    expect((await refusalOf(authenticate(both))).code).toBe('invalid_request')
  })
})

describe('what is not good', () => {
  const base64 = (text: string | Buffer) => `Basic ${Buffer.from(text).toString('base64')}`
  const cases: [string, () => Partial<ClientCredentials>][] = [
    [
      'TK-02: client_id differs from Basic',
      () => ({ authorization: basic('basic', secretOf('basic')), clientId: 'post' }),
    ],
    ['TK-03: none for a confidential client', () => ({ clientId: 'basic' })],
    ['TK-03: Basic for a public client', () => ({ authorization: basic('public', '') })],
    ['TK-03: a secret for a public client', () => ({ clientId: 'public', clientSecret: 'some-secret' })],
    ['TK-03: Bearer is no client authentication', () => ({ authorization: 'Bearer abc', clientId: 'public' })],
    ['TK-04: empty id', () => ({ authorization: base64(':secret') })],
    ['TK-04: empty secret', () => ({ authorization: base64('basic:') })],
    ['TK-04: no colon', () => ({ authorization: base64('basic') })],
    ['TK-04: nothing after the scheme', () => ({ authorization: 'Basic ' })],
    ['TK-04: nothing but the scheme', () => ({ authorization: 'Basic' })],
    ['TK-04: not base64', () => ({ authorization: 'Basic !!!' })],
    ['TK-04: base64url', () => ({ authorization: `Basic ${Buffer.from('basic:???>>>~~~').toString('base64url')}` })],
    ['TK-04: base64 with something behind it', () => ({ authorization: `${basic('basic', secretOf('basic'))} x` })],
    ['TK-04: not UTF-8', () => ({ authorization: base64(Buffer.from([0x62, 0x3a, 0xff, 0xfe])) })],
    ['TK-04: broken percent-encoding', () => ({ authorization: base64('basic:%zz') })],
    ['TK-04: encodes what is not UTF-8', () => ({ authorization: base64('basic:%ff%ff%ff') })],
    ['TK-04: NUL in the id', () => ({ authorization: base64('ba%00sic:secret') })],
    ['TK-04: 48 KB of secret', () => ({ authorization: base64(`basic:${'x'.repeat(48_000)}`) })],
    ['TK-05: wrong secret', () => ({ authorization: basic('basic', 'x'.repeat(26)) })],
    ['TK-05: wrong secret that a person could choose', () => ({ authorization: basic('basic', 'wrong-secret') })],
    ['TK-05: unknown client', () => ({ authorization: basic('nobody', 'x'.repeat(26)) })],
    ['TK-05: unknown client, chosen form', () => ({ authorization: basic('nobody', 'wrong-secret') })],
    ['TK-05: unknown public client', () => ({ clientId: 'nobody' })],
    ['TK-05: the secret of another client', () => ({ authorization: basic('basic', secretOf('post')) })],
    ['RFC 6749 5.2: nothing at all', () => ({})],
    ['RFC 6749 5.2: a secret without an id', () => ({ clientSecret: secretOf('post') })],
    ['BF-06: more behind a chosen secret', () => ({ authorization: basic('chosen', `${secretOf('chosen')}x`) })],
    [
      'BF-06: the secret in another Unicode form',
      () => ({ authorization: basic('chosen', secretOf('chosen').normalize('NFD')) }),
    ],
    ['BF-06: NUL behind a secret', () => ({ authorization: basic('basic', `${secretOf('basic')}\0`) })],
  ]
  it.each(cases)('%s: the one answer of invalid_client', async (_, credentials) => {
    expect(await refusalOf(authenticate(credentials()))).toEqual({
      code: 'invalid_client',
      description: generic,
      hint: '',
    })
  })

  it('TK-03: the right secret by the wrong method is refused, and the one who knows the secret is told', async () => {
    for (const [way, id] of [
      [withPost, 'basic'],
      [withBasic, 'post'],
      [withPost, 'chosen'],
      [withBasic, 'lookalike'],
    ] as const)
      expect(await refusalOf(way(id)), id).toMatchObject({
        code: 'invalid_client',
        hint: expect.stringContaining('token_endpoint_auth_method'),
      })
  })

  it('no credentials at all are refused', async () => {
    expect((await refusalOf(clients.authenticateClient({ credentials: undefined }))).code).toBe('invalid_client')
  })
})

describe('chosen secrets', () => {
  it('BF-06: what bcrypt would cut off counts', async () => {
    const long = 'x'.repeat(100)
    await register(clients, { clientId: 'long' }, long)
    expect((await withBasic('long', long)).method).toBe('client_secret_basic')
    expect((await refusalOf(withBasic('long', 'x'.repeat(99)))).code).toBe('invalid_client')
    expect((await refusalOf(withBasic('long', `${'x'.repeat(72)}${'y'.repeat(28)}`))).code).toBe('invalid_client')
  })

  it('one that has the form of a generated secret is good too', async () => {
    expect((await withPost('lookalike')).method).toBe('client_secret_post')
    expect((await refusalOf(withPost('lookalike', 'exactly-26-chars-by-nobody'))).code).toBe('invalid_client')
  })

  it('a success is remembered until the client changes', async () => {
    const { client } = await register(clients, { clientId: 'remembered' }, 'first chosen secret')
    const timed = async (secret: string) => {
      const began = performance.now()
      await withBasic('remembered', secret)
      return performance.now() - began
    }
    const first = await timed('first chosen secret')
    expect(Math.min(await timed('first chosen secret'), await timed('first chosen secret'))).toBeLessThan(first / 2)
    await clients.updateClient({ client, updateMask: ['client_name'], clientSecret: 'second chosen secret' })
    expect((await refusalOf(withBasic('remembered', 'first chosen secret'))).code).toBe('invalid_client')
    expect((await withBasic('remembered', 'second chosen secret')).client?.revision).toBe(2)
  })

  it('BF-05: a flood of wrong secrets is cut off, and generated secrets do not wait for it', async () => {
    const flood = Array.from({ length: 300 }, (_, index) =>
      refusalOf(withBasic(`nobody-${index}`, `wrong secret ${index}`)),
    )
    const floodEnded = Promise.all(flood)
    let isOver = false
    void floodEnded.then(() => {
      isOver = true
    })
    await withBasic('basic')
    expect(isOver).toBe(false)
    const codes = new Set((await floodEnded).map(({ code }) => code))
    expect(codes).toContain('too_many_requests')
    // On a busy machine the deadline of some calls ends before it is their turn.
    for (const code of ['invalid_client', 'too_many_requests', 'temporarily_unavailable']) codes.delete(code)
    expect([...codes]).toEqual([])
    expect((await withBasic('chosen')).method).toBe('client_secret_basic')
  })

  it('many who show the same chosen secret at once wait for one check', async () => {
    await register(clients, { clientId: 'crowd' }, 'the secret of the crowd')
    const all = await Promise.all(Array.from({ length: 200 }, () => withBasic('crowd', 'the secret of the crowd')))
    expect(all).toHaveLength(200)
  })
})

describe('TK-05: time', () => {
  /** The least of some milliseconds, which a busy machine does not change. */
  const least = async (work: (round: number) => Promise<unknown>): Promise<number> => {
    const times: number[] = []
    for (let round = 0; round < 15; round++) {
      const began = performance.now()
      await work(round)
      times.push(performance.now() - began)
    }
    return Math.min(...times)
  }

  it.each([
    ['of a chosen form', 'wrong secret ', true],
    ['of the generated form', 'wrong-secret-of-26-char-', false],
  ])('BF-04: a wrong secret %s costs the same for every client and for none', async (_, prefix, isSlow) => {
    const slowCheck = await least(() => promisify(scrypt)('secret', 'salt', 32))
    const costOf = (id: string) =>
      least((round) => refusalOf(withBasic(id, `${prefix}${String(round).padStart(2, '0')}`)))
    for (const id of ['basic', 'chosen', 'public', 'nobody'])
      expect((await costOf(id)) > slowCheck / 2, id).toBe(isSlow)
  })

  it('BF-04: a client that there is and one that there is not take the same statement and a row each', async () => {
    await admin.query('SELECT pg_stat_statements_reset()')
    for (const id of ['basic', 'nobody']) await refusalOf(withBasic(id, 'x'.repeat(26)))
    const { rows } = await admin.query<{ calls: string; rows: string }>(
      `SELECT s.calls, s.rows FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
        WHERE d.datname = current_database() AND s.query LIKE '%client%' AND s.query NOT LIKE '%/* background */%'
          AND s.query NOT LIKE '%pg_stat_statements%'`,
    )
    expect(rows).toEqual([{ calls: '2', rows: '2' }])
  })
})

describe('what is kept', () => {
  it('no secret is in the database, and a stolen hash is not a secret', async () => {
    const { rows } = await admin.query<{ client_id: string; kept: string }>(
      'SELECT client_id, client::text AS kept FROM client.client',
    )
    for (const { client_id: id, kept } of rows) {
      const secret = secrets[id]
      if (secret) expect(kept).not.toContain(secret)
    }
    expect(rows.find((row) => row.client_id === 'public')?.kept).toMatch(/,\{\},/)
  })
})
