// An ordered log of changes in a table, which readers follow without missing any.
//
// Rows become visible when they are committed, not when they are numbered: whoever reads "all after the last number"
// loses a row that commits late. So each process writes under an id of its own, one commit at a time, with numbers that
// grow by its own count; what one writer wrote becomes visible in the order of its numbers, and a position is one number
// for each writer. Where the outcome of a commit is unknown its writer's id is given up: whatever it still commits is read,
// and nobody else uses its numbers.
//
// The tables: entries (writer uuid, seq bigint, expires_at timestamptz, …, primary key (writer, seq)), with an index on
// expires_at, and writers (id uuid primary key, started_at timestamptz).
import { setImmediate as turn } from 'node:timers/promises'
import type { QueryResultRow } from 'pg'
import { decodeCursor, type Positions } from './change_log_cursor.js'
import { type Complete, type LogMessage, never, Reader, type Row } from './change_log_reader.js'
import { type HeadRow, type LogRow, statementsOf } from './change_log_statements.js'
import { monotonicMs, nowMs } from './clock.js'
import type { Database } from './database.js'
import { OAuthError } from './oauth_error.js'
import { newUuid } from './random.js'
import { inBatches, purgeBatch, repeat } from './repeat.js'

export interface ChangeLogOptions<E> {
  readonly database: Pick<Database<{ $disconnect(): Promise<void> }>, 'query' | 'queryInBackground'>
  /** The table of entries; the log is called after it. */
  readonly entryTable: string
  readonly writerTable: string
  /** The columns that make an entry. */
  readonly columns: readonly string[]
  readonly fromRow: (row: QueryResultRow) => E
  /** Where a reader without a cursor begins: with all that is there, or with what happens from now on. */
  readonly emptyCursor: 'beginning' | 'now'
  /**
   * A cursor that is older is refused. An entry whose loss would matter to a reader has to stay in the table for longer
   * than this by some minutes.
   */
  readonly cursorLifetimeMs: number
}

interface Writer {
  readonly id: string
  readonly startedAt: number
  nextSeq: number
}

const pollEveryMs = 200
const heartbeatMs = 250
const purgeEveryMs = 60_000
/** Entries in one message. */
const messageSize = 1_000
/** A writer is followed by another after this time, so that those without entries can be forgotten after twice the time. */
const writerLifetimeMs = 24 * 3_600_000

export class ChangeLog<E> {
  readonly #options: ChangeLogOptions<E>
  readonly #statements: ReturnType<typeof statementsOf>
  readonly #readers = new Set<Reader<E>>()
  readonly #stopping = new AbortController()
  /** What was handed to the readers of this process. */
  readonly #positions: Positions = new Map()
  #complete: Complete | undefined
  #beginning: Promise<void> | undefined
  #running: Promise<unknown> | undefined
  #writer: Writer | undefined
  /** A commit's outcome was unknown, and the table was not read since. */
  #unsure = false
  #lastCommit: Promise<unknown> = Promise.resolve()

  constructor(options: ChangeLogOptions<E>) {
    this.#options = options
    this.#statements = statementsOf(options.entryTable, options.writerTable, options.columns)
  }

  start(): void {
    const { signal } = this.#stopping
    const { entryTable } = this.#options
    this.#running ??= Promise.all([
      repeat({ everyMs: pollEveryMs, doing: `reading the log ${entryTable}`, signal }, () => this.#poll()),
      repeat({ everyMs: purgeEveryMs, doing: `purging the log ${entryTable}`, signal }, () => this.#purge()),
    ])
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const reader of this.#readers) reader.wake()
    await this.#running
  }

  /**
   * Commits entries, one caller after the other. `work` writes in one statement or transaction what it changes and the
   * entries, numbered from `firstSeq` on in the order in which it returns them. When this resolves, the readers of this
   * process have them. An OAuthError that is a verdict means that nothing was written; after any other failure the
   * outcome is unknown.
   */
  commit(work: (writer: string, firstSeq: number) => Promise<readonly E[]>): Promise<void> {
    const committed = this.#lastCommit.then(() => this.#commit(work))
    this.#lastCommit = committed.catch(() => undefined)
    return committed
  }

  async #commit(work: (writer: string, firstSeq: number) => Promise<readonly E[]>): Promise<void> {
    const writer = await this.#currentWriter()
    let entries: readonly E[]
    try {
      entries = await work(writer.id, writer.nextSeq)
    } catch (thrown) {
      if (!isVerdict(thrown)) this.#giveUp()
      throw thrown
    }
    this.#deliver(entries.map((entry, index) => ({ writer: writer.id, seq: writer.nextSeq + index, entry })))
    writer.nextSeq += entries.length
    if (this.#unsure) await this.#makeSure()
    // Readers in this process take what they were handed before the event loop turns.
    await turn()
  }

  #giveUp(): void {
    this.#writer = undefined
    this.#unsure = true
  }

  /** What builds on a commit whose outcome was unknown shall not be known here before it. */
  async #makeSure(): Promise<void> {
    this.#unsure = false
    try {
      await this.#poll()
    } catch (thrown) {
      this.#unsure = true
      throw thrown
    }
  }

  /** A writer is known to the table before its first entry is, so that whoever sees the entry could see the writer. */
  async #currentWriter(): Promise<Writer> {
    const current = this.#writer
    if (current && Math.abs(nowMs() - current.startedAt) < writerLifetimeMs) return current
    const writer = { id: newUuid(), startedAt: nowMs(), nextSeq: 1 }
    await this.#options.database.query(this.#statements.register, [writer.id])
    this.#writer = writer
    return writer
  }

  /** The log after a cursor, until the reader or the log stops. Error: `position_lost`. */
  async *watch(cursor: Uint8Array, signal: AbortSignal): AsyncGenerator<LogMessage<E>, void, undefined> {
    const ended = AbortSignal.any([signal, this.#stopping.signal])
    const reader = await this.#open(cursor)
    this.#readers.add(reader)
    try {
      while (!ended.aborted) {
        if (reader.behind) yield* this.#catchUp(reader)
        else if (this.#complete) yield reader.take(this.#complete)
        await reader.wait(heartbeatMs, ended)
      }
    } finally {
      this.#readers.delete(reader)
    }
  }

  async #open(bytes: Uint8Array): Promise<Reader<E>> {
    const { emptyCursor, cursorLifetimeMs } = this.#options
    const { heads, complete } = await this.#readHeads()
    const { at, databaseMs } = complete
    if (bytes.length === 0)
      return emptyCursor === 'now' ? new Reader(heads, complete) : new Reader(new Map(), { at: never, databaseMs })
    const cursor = decodeCursor(bytes)
    const isKnown =
      cursor !== undefined &&
      cursor.untilMs > databaseMs - cursorLifetimeMs &&
      [...cursor.positions.keys()].every((writer) => heads.has(writer))
    if (!isKnown) throw new OAuthError('position_lost')
    const { positions, untilMs, isComplete } = cursor
    return new Reader(positions, {
      at: isComplete ? at - Math.max(0, databaseMs - untilMs) : never,
      databaseMs: untilMs,
    })
  }

  /** Reads the table until nothing is left; what happens meanwhile is queued, so that nothing falls between the two. */
  async *#catchUp(reader: Reader<E>): AsyncGenerator<LogMessage<E>, void, undefined> {
    await this.#begin()
    reader.catchUp()
    for (let more = true; more && !this.#stopping.signal.aborted; ) {
      const { rows, complete } = await this.#readAfter(reader.positions)
      more = !complete
      do {
        const some = rows.splice(0, messageSize)
        yield reader.read(some, rows.length === 0 ? complete : undefined)
      } while (rows.length > 0)
    }
  }

  /** Finds out from where on this process hands out what happens; once, or it would pass over what came in between. */
  #begin(): Promise<void> {
    this.#beginning ??= this.#readHeads().then(
      ({ heads, complete }) => {
        for (const [writer, head] of heads)
          this.#positions.set(writer, Math.max(head, this.#positions.get(writer) ?? 0))
        this.#complete = complete
      },
      (thrown: unknown) => {
        this.#beginning = undefined
        throw thrown
      },
    )
    return this.#beginning
  }

  async #poll(): Promise<void> {
    await this.#begin()
    for (;;) {
      const { rows, complete } = await this.#readAfter(this.#positions)
      this.#deliver(rows)
      if (!complete) continue
      if (complete.at > (this.#complete?.at ?? 0)) this.#complete = complete
      for (const reader of this.#readers) reader.wake()
      return
    }
  }

  /** Hands to the readers of this process what they were not handed before. */
  #deliver(rows: readonly Row<E>[]): void {
    const fresh = rows.filter(({ writer, seq }) => {
      if (seq <= (this.#positions.get(writer) ?? 0)) return false
      this.#positions.set(writer, seq)
      return true
    })
    if (fresh.length > 0) for (const reader of this.#readers) reader.push(fresh)
  }

  async #readHeads(): Promise<{ heads: Positions; complete: Complete }> {
    const at = monotonicMs()
    const rows = await this.#options.database.queryInBackground<HeadRow>(this.#statements.heads, [])
    const heads: Positions = new Map()
    for (const { writer, head } of rows) if (writer !== null) heads.set(writer, Number(head ?? 0))
    return { heads, complete: { at, databaseMs: Number(rows[0]?.database_ms) } }
  }

  /** A page of what follows; `complete` is undefined where the page ends before the log does. */
  async #readAfter(positions: Positions): Promise<{ rows: Row<E>[]; complete: Complete | undefined }> {
    const at = monotonicMs()
    const values = [[...positions.keys()], [...positions.values()]]
    const found = await this.#options.database.queryInBackground<LogRow>(this.#statements.after, values)
    const rows: Row<E>[] = []
    let ofWriter = 0
    let isComplete = true
    for (const row of found) {
      if (row.writer === null) continue
      ofWriter = row.writer === rows.at(-1)?.writer ? ofWriter + 1 : 1
      if (ofWriter === Number(row.page_size)) isComplete = false
      rows.push({ writer: row.writer, seq: Number(row.seq), entry: this.#options.fromRow(row) })
    }
    return { rows, complete: isComplete ? { at, databaseMs: Number(found[0]?.database_ms) } : undefined }
  }

  async #purge(): Promise<void> {
    const { database } = this.#options
    const purge = (size: number) => database.queryInBackground(this.#statements.purgeEntries, [size])
    await inBatches({ size: purgeBatch, signal: this.#stopping.signal }, async (size) => (await purge(size)).length)
    await database.queryInBackground(this.#statements.purgeWriters, [(2 * writerLifetimeMs) / 1_000])
    await this.#forgetWriters()
  }

  /** Drops the writers that are no more. One that was not known before it was asked may be younger than the answer. */
  async #forgetWriters(): Promise<void> {
    const known = [...this.#positions.keys()]
    const { heads } = await this.#readHeads()
    for (const writer of known) {
      if (heads.has(writer)) continue
      this.#positions.delete(writer)
      for (const reader of this.#readers) reader.positions.delete(writer)
      if (this.#writer?.id === writer) this.#writer = undefined
    }
  }
}

/** What a writer refused on its merits, as opposed to what went wrong on the way. */
const isVerdict = (thrown: unknown): boolean =>
  thrown instanceof OAuthError && thrown.code !== 'temporarily_unavailable' && thrown.code !== 'server_error'
