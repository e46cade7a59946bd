// The change log: readers miss nothing and see nothing twice, whatever commits late, breaks off or writes at the same time.
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ChangeLog } from '../../services/kit/change_log.js'
import { decodeCursor, encodeCursor } from '../../services/kit/change_log_cursor.js'
import type { LogMessage } from '../../services/kit/change_log_reader.js'
import { statementsOf } from '../../services/kit/change_log_statements.js'
import { monotonicMs } from '../../services/kit/clock.js'
import { Database, type Statement } from '../../services/kit/database.js'
import { setLogLevel } from '../../services/kit/log.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { eventually } from '../support/eventually.js'
import { freshDatabase } from '../support/postgres.js'

const tables = `
  CREATE SCHEMA log_test;
  CREATE TABLE log_test.entry
    (writer uuid, seq bigint, word text NOT NULL, expires_at timestamptz NOT NULL, PRIMARY KEY (writer, seq));
  CREATE INDEX ON log_test.entry (expires_at);
  CREATE TABLE log_test.entry_writer (id uuid PRIMARY KEY, started_at timestamptz NOT NULL)`

const insert = `
  INSERT INTO entry (writer, seq, word, expires_at)
  SELECT $1, $2 + item.place - 1, item.word, now() + interval '1 hour'
    FROM unnest($3::text[]) WITH ORDINALITY AS item (word, place)`

type TestDatabase = Database<{ $disconnect(): Promise<void> }>

let fresh: Awaited<ReturnType<typeof freshDatabase>>
let admin: pg.Client
let closing: (() => Promise<unknown>)[]

beforeAll(async () => {
  setLogLevel('silent')
  fresh = await freshDatabase()
  admin = new pg.Client({ connectionString: fresh.dsn })
  await admin.connect()
  await admin.query(tables)
  await admin.query('SET search_path = log_test')
})
beforeEach(async () => {
  closing = []
  await admin.query('TRUNCATE entry, entry_writer')
})
afterEach(async () => {
  for (const close of closing.reverse()) await close()
})
afterAll(async () => {
  await admin.end()
  await fresh.drop()
  setLogLevel('info')
})

/** One process: its own connections, its own log. */
class Instance {
  readonly database: TestDatabase
  readonly log: ChangeLog<string>
  /** While set, every statement of the log itself fails. */
  outage = false

  constructor(emptyCursor: 'beginning' | 'now' = 'beginning') {
    this.database = new Database({ dsn: fresh.dsn, schema: 'log_test', maxConnections: 4 }, () => ({
      $disconnect: async () => undefined,
    }))
    this.log = new ChangeLog<string>({
      database: {
        query: (statement, values) => this.#checkLine(() => this.database.query(statement, values)),
        queryInBackground: (statement, values) =>
          this.#checkLine(() => this.database.queryInBackground(statement, values)),
      },
      entryTable: 'entry',
      writerTable: 'entry_writer',
      columns: ['word'],
      fromRow: (row) => row.word as string,
      emptyCursor,
      cursorLifetimeMs: 3_600_000,
    })
    this.log.start()
    closing.push(async () => {
      await this.log.stop()
      await this.database.close()
    })
  }

  async #checkLine<T>(work: () => Promise<T>): Promise<T> {
    if (this.outage) throw new OAuthError('temporarily_unavailable')
    return work()
  }

  write(...words: string[]): Promise<void> {
    return this.log.commit(async (writer, firstSeq) => {
      await this.database.query(statement, [writer, firstSeq, words])
      return words
    })
  }

  read(cursor: Uint8Array = new Uint8Array()): Reading {
    const reading = new Reading(this.log, cursor)
    closing.push(() => reading.stop())
    return reading
  }
}

const statement: Statement = { name: 'insert', text: insert }

/** A reader that takes everything at once and remembers it. */
class Reading {
  readonly words: string[] = []
  readonly messages: LogMessage<string>[] = []
  failure: unknown
  readonly #stopping = new AbortController()
  readonly #done: Promise<void>

  constructor(log: ChangeLog<string>, cursor: Uint8Array) {
    this.#done = this.#run(log, cursor).catch((thrown) => {
      this.failure = thrown
    })
  }

  async #run(log: ChangeLog<string>, cursor: Uint8Array): Promise<void> {
    for await (const message of log.watch(cursor, this.#stopping.signal)) {
      this.messages.push(message)
      this.words.push(...message.entries)
    }
  }

  get last(): LogMessage<string> {
    const last = this.messages.at(-1)
    if (!last) throw new Error('nothing was read yet')
    return last
  }

  /** When this reader knows everything that had been committed when it was asked. */
  upToDate(): Promise<void> {
    const askedAt = monotonicMs()
    const first = this.messages.length
    return eventually(() => {
      const knows = this.messages.slice(first).some((m) => !m.more && monotonicMs() - m.ageMs > askedAt + 1)
      return knows && this.messages.length > first + 2
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#done
  }
}

/** A transaction of its own connection that stays open until it is told to end. */
async function openTransaction(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: fresh.dsn })
  await client.connect()
  await client.query('SET search_path = log_test; BEGIN')
  return client
}

describe('what commits late', () => {
  it('I4: is read although another writer committed after it began and readers read on', async () => {
    const [a, b, c] = [new Instance(), new Instance(), new Instance()]
    await Promise.all([a.write('a1'), b.write('b1')])
    const readings = [a.read(), b.read(), c.read()]
    const held = await openTransaction()
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const late = a.log.commit(async (writer, firstSeq) => {
      await held.query(insert, [writer, firstSeq, ['late']])
      await released
      await held.query('COMMIT')
      return ['late']
    })
    for (const word of ['b2', 'b3', 'b4']) await b.write(word)
    await eventually(() => readings.every(({ words }) => words.includes('b4')))
    await Promise.all(readings.map((reading) => reading.upToDate()))
    expect(readings.flatMap(({ words }) => words)).not.toContain('late')
    release()
    await late
    await held.end()
    await eventually(() => readings.every(({ words }) => words.includes('late')))
    for (const { words } of readings) expect(words.toSorted()).toEqual(['a1', 'b1', 'b2', 'b3', 'b4', 'late'])
  })

  it('is read by a reader that comes back with a cursor from before', async () => {
    const [a, b, c] = [new Instance(), new Instance(), new Instance()]
    await b.write('b1')
    const held = await openTransaction()
    const reading = c.read()
    let writerOfLate = ''
    let release = () => {}
    const late = a.log.commit(async (writer, firstSeq) => {
      writerOfLate = writer
      await held.query(insert, [writer, firstSeq, ['late']])
      await new Promise<void>((resolve) => {
        release = resolve
      })
      await held.query('COMMIT')
      return ['late']
    })
    await eventually(() => writerOfLate !== '')
    await b.write('b2')
    await eventually(() => reading.words.includes('b2'))
    await reading.upToDate()
    const { cursor } = reading.last
    await reading.stop()
    release()
    await late
    await held.end()
    const resumed = c.read(cursor)
    await resumed.upToDate()
    expect(resumed.words).toEqual(['late'])
  })
})

describe('RL-04: a commit whose outcome is unknown', () => {
  it('is read once where it was committed after all, and the writer goes on under another id', async () => {
    const [a, b] = [new Instance(), new Instance()]
    await a.write('a1')
    const readings = [a.read(), b.read()]
    const writers: string[] = []
    const cut = a.log.commit(async (writer, firstSeq) => {
      writers.push(writer)
      await a.database.query(statement, [writer, firstSeq, ['unsure']])
      throw new Error('Connection terminated unexpectedly')
    })
    await expect(cut).rejects.toThrow('terminated')
    await a.log.commit(async (writer, firstSeq) => {
      writers.push(writer)
      await a.database.query(statement, [writer, firstSeq, ['a2']])
      return ['a2']
    })
    expect(writers[1]).not.toBe(writers[0])
    await eventually(() => readings.every(({ words }) => words.length >= 3))
    await Promise.all(readings.map((reading) => reading.upToDate()))
    for (const { words } of readings) expect(words.toSorted()).toEqual(['a1', 'a2', 'unsure'])
  })

  it('is read once where it is still under way when the next one has been committed', async () => {
    const [a, b] = [new Instance(), new Instance()]
    await a.write('a1')
    const readings = [a.read(), b.read()]
    const held = await openTransaction()
    const cut = a.log.commit(async (writer, firstSeq) => {
      await held.query(insert, [writer, firstSeq, ['unsure']])
      throw new OAuthError('temporarily_unavailable')
    })
    await expect(cut).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    await a.write('a2', 'a3')
    await eventually(() => readings.every(({ words }) => words.includes('a3')))
    await Promise.all(readings.map((reading) => reading.upToDate()))
    await held.query('COMMIT')
    await held.end()
    await eventually(() => readings.every(({ words }) => words.includes('unsure')))
    await Promise.all(readings.map((reading) => reading.upToDate()))
    for (const { words } of readings) expect(words.toSorted()).toEqual(['a1', 'a2', 'a3', 'unsure'])
  })

  it('leaves nothing where it was rolled back; a verdict keeps the writer', async () => {
    const a = new Instance()
    const writers: string[] = []
    const work = (failure: Error) => async (writer: string) => {
      writers.push(writer)
      throw failure
    }
    await expect(a.log.commit(work(new OAuthError('conflict')))).rejects.toMatchObject({ code: 'conflict' })
    await expect(a.log.commit(work(new Error('reset')))).rejects.toThrow('reset')
    await expect(a.log.commit(work(new OAuthError('conflict')))).rejects.toMatchObject({ code: 'conflict' })
    expect(writers[1]).toBe(writers[0])
    expect(writers[2]).not.toBe(writers[0])
    await a.write('a1')
    const reading = a.read()
    await reading.upToDate()
    expect(reading.words).toEqual(['a1'])
  })
})

describe('several writers and readers', () => {
  it('writing at once lose and double nothing, and each one keeps its order', async () => {
    const instances = [new Instance(), new Instance(), new Instance()]
    const early = instances.map((instance) => instance.read())
    const written: string[] = []
    await Promise.all(
      instances.map(async (instance, who) => {
        for (let round = 0; round < 60; round++) {
          const words = Array.from({ length: 1 + (round % 4) }, (_, place) => `${who}:${round}:${place}`)
          written.push(...words)
          await instance.write(...words)
        }
      }),
    )
    const late = instances.map((instance) => instance.read())
    const readings = [...early, ...late]
    await eventually(() => readings.every(({ words }) => words.length >= written.length))
    await Promise.all(readings.map((reading) => reading.upToDate()))
    for (const { words } of readings) {
      expect(words.toSorted()).toEqual(written.toSorted())
      for (const who of ['0', '1', '2']) {
        const own = words.filter((word) => word.startsWith(`${who}:`))
        expect(own).toEqual(written.filter((word) => word.startsWith(`${who}:`)))
      }
    }
  })

  it('I4: a reader of the same process has an entry when its commit resolves', async () => {
    const a = new Instance()
    const reading = a.read()
    await reading.upToDate()
    for (let round = 0; round < 50; round++) {
      await a.write(`w${round}`)
      expect(reading.words).toContain(`w${round}`)
    }
  })

  it('a reader that resumes from any of its cursors sees the rest and nothing else', async () => {
    const [a, b] = [new Instance(), new Instance()]
    const reading = a.read()
    await reading.upToDate()
    for (let round = 0; round < 20; round++) await Promise.all([a.write(`a${round}`), b.write(`b${round}`)])
    await eventually(() => reading.words.length === 40)
    await reading.stop()
    const withEntries = reading.messages.filter(({ entries }) => entries.length > 0)
    let seen = 0
    for (const { entries, cursor } of withEntries) {
      seen += entries.length
      const resumed = b.read(cursor)
      await eventually(() => resumed.words.length >= 40 - seen && resumed.messages.some(({ more }) => !more))
      expect(resumed.words.toSorted()).toEqual(reading.words.slice(seen).toSorted())
      await resumed.stop()
    }
    expect(seen).toBe(40)
  })
})

describe('many entries', () => {
  const words = Array.from({ length: 10_000 }, (_, index) => `w${index}`)

  it('10,000 reach a reader that comes later, and `more` is said until it is up to date', async () => {
    const a = new Instance()
    await a.write(...words)
    const b = new Instance()
    const reading = b.read()
    await eventually(() => reading.words.length === words.length && reading.messages.some(({ more }) => !more))
    expect(reading.words).toEqual(words)
    const firstComplete = reading.messages.findIndex(({ more }) => !more)
    const before = reading.messages.slice(0, firstComplete)
    expect(before.length).toBeGreaterThan(3)
    for (const { ageMs } of before) expect(ageMs).toBe(Number.POSITIVE_INFINITY)
    expect(reading.messages[firstComplete]?.ageMs).toBeLessThan(5_000)
  })

  it('I4: a reader that broke off before it was up to date is not taken for one that was', async () => {
    const a = new Instance()
    await a.write(...words)
    const stopping = new AbortController()
    const broken = a.log.watch(new Uint8Array(), stopping.signal)
    const first = await broken.next()
    stopping.abort()
    await broken.return(undefined)
    const resumed = a.read(first.value?.cursor)
    await eventually(() => resumed.messages.some(({ more }) => !more))
    expect([...(first.value?.entries ?? []), ...resumed.words]).toEqual(words)
    const partial = resumed.messages.slice(
      0,
      resumed.messages.findIndex(({ more }) => !more),
    )
    expect(partial.length).toBeGreaterThan(0)
    for (const { ageMs } of partial) expect(ageMs).toBe(Number.POSITIVE_INFINITY)
  })

  it('RL-19: 100,000 of a hundred writers reach a reader, in the order of each', async () => {
    await admin.query(`INSERT INTO entry_writer SELECT gen_random_uuid(), now() FROM generate_series(1, 100)`)
    await admin.query(
      `INSERT INTO entry (writer, seq, word, expires_at)
       SELECT id, n, n, now() + interval '1 hour' FROM entry_writer, generate_series(1, 1000) n`,
    )
    await admin.query('ANALYZE entry')
    const a = new Instance()
    const began = monotonicMs()
    const reading = a.read()
    await eventually(() => reading.messages.some(({ more }) => !more), 25_000)
    expect(monotonicMs() - began).toBeLessThan(20_000)
    expect(reading.words).toHaveLength(100_000)
    expect(Math.max(...reading.messages.map(({ entries }) => entries.length))).toBeLessThanOrEqual(1_000)
    expect(reading.failure).toBeUndefined()
  })

  it('a reader that takes nothing for a while falls behind, holds nothing, and still misses nothing', async () => {
    const a = new Instance()
    await a.write('first')
    const stopping = new AbortController()
    const slow = a.log.watch(new Uint8Array(), stopping.signal)
    const first = await slow.next()
    expect(first.value?.entries).toEqual(['first'])
    for (let start = 0; start < 3; start++) await a.write(...words)
    const seen: string[] = []
    while (seen.length < 30_000) {
      const { value } = await slow.next()
      if (value) seen.push(...value.entries)
      expect(value?.entries.length).toBeLessThanOrEqual(1_000)
    }
    expect(seen).toEqual([...words, ...words, ...words])
    stopping.abort()
    await slow.return(undefined)
  })
})

describe('cursors', () => {
  const lost = { code: 'position_lost' }

  it('that are no cursors, too old, or of another log are refused', async () => {
    const a = new Instance()
    await a.write('a1')
    const reading = a.read()
    await reading.upToDate()
    const { cursor } = reading.last
    const known = decodeCursor(cursor) ?? expect.fail('no cursor')
    const stranger = new Map([...known.positions, ['00000000-0000-4000-8000-000000000000', 7]])
    const bad = [
      Buffer.from('x'),
      cursor.subarray(1),
      Buffer.concat([cursor, Buffer.from([0])]),
      encodeCursor({ ...known, untilMs: known.untilMs - 3_700_000 }),
      encodeCursor({ ...known, positions: stranger }),
      Buffer.alloc(1_000_000, 1),
    ]
    for (const bytes of bad) {
      const refused = a.read(bytes)
      await eventually(() => refused.failure !== undefined)
      expect(refused.failure).toMatchObject(lost)
    }
  })

  it('empty, begin where the log says: at the beginning or now', async () => {
    const now = new Instance('now')
    await now.write('before')
    const reading = now.read()
    await reading.upToDate()
    await now.write('after')
    expect(reading.words).toEqual(['after'])
  })
})

describe('an outage of the database', () => {
  it('I11: is told as growing age by heartbeats that go on, and passes by itself', async () => {
    const [a, b] = [new Instance(), new Instance()]
    const reading = a.read()
    await reading.upToDate()
    a.outage = true
    const first = reading.messages.length
    await b.write('meanwhile')
    await eventually(() => reading.last.ageMs > 800)
    expect(reading.messages.length - first).toBeGreaterThanOrEqual(3)
    expect(reading.words).toEqual([])
    a.outage = false
    await eventually(() => reading.words.includes('meanwhile'))
    await eventually(() => reading.last.ageMs < 250)
    expect(reading.failure).toBeUndefined()
  })
})

describe('RL-18: what has expired', () => {
  it('is purged, and writers without entries are forgotten once they are old', async () => {
    const [gone, stays, young] = ['10000000', '20000000', '30000000'].map(
      (start) => `${start}-0000-4000-8000-000000000000`,
    )
    await admin.query(
      `INSERT INTO entry_writer VALUES ($1, now() - interval '3 days'), ($2, now() - interval '3 days'), ($3, now())`,
      [gone, stays, young],
    )
    await admin.query(
      `INSERT INTO entry (writer, seq, word, expires_at)
       SELECT $1, n, 'old', now() - interval '1 second' FROM generate_series(1, 12000) n`,
      [gone],
    )
    await admin.query(`INSERT INTO entry VALUES ($1, 1, 'alive', now() + interval '1 hour')`, [stays])
    const a = new Instance()
    const count = async (table: string) => (await admin.query(`SELECT FROM ${table}`)).rowCount
    await eventually(async () => (await count('entry')) === 1 && (await count('entry_writer')) === 2)
    const reading = a.read()
    await reading.upToDate()
    expect(reading.words).toEqual(['alive'])
  })
})

it('RL-19: the statements read by key, whatever the size of the table', async () => {
  const a = new Instance()
  await a.write(...Array.from({ length: 5_000 }, (_, index) => `w${index}`))
  await admin.query('ANALYZE entry')
  const { after, heads } = statementsOf('entry', 'entry_writer', ['word'])
  const { rows: writers } = await admin.query('SELECT id FROM entry_writer')
  const scansOf = async (text: string, values: unknown[]) => {
    const { rows } = await admin.query(`EXPLAIN (FORMAT JSON) ${text}`, values)
    return nodesOf(rows[0]['QUERY PLAN'][0].Plan).filter((node) => node['Relation Name'] === 'entry')
  }
  const scans = [...(await scansOf(after.text, [[writers[0].id], [4_990]])), ...(await scansOf(heads.text, []))]
  expect(scans.map((scan) => scan['Index Name'])).toEqual(['entry_pkey', 'entry_pkey'])
})

interface PlanNode {
  readonly Plans?: readonly PlanNode[]
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

it('RL-12: a rush of calls that takes all connections does not make readers stale', async () => {
  const a = new Instance()
  const reading = a.read()
  await reading.upToDate()
  const first = reading.messages.length
  const sleep = { name: 'sleep', text: 'SELECT pg_sleep(1)' }
  await Promise.allSettled(Array.from({ length: 12 }, () => a.database.query(sleep, [])))
  expect(Math.max(...reading.messages.slice(first).map(({ ageMs }) => ageMs))).toBeLessThan(900)
})
