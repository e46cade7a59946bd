// What was decided on flows and logouts in this process, so that the first decision stands and a verifier is taken once.
// Only a bounded memory: across processes and restarts the judges are the unique key at the end of a flow and the delete of
// a login session.
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { OAuthError } from '../kit/oauth_error.js'
import { uuidToBytes } from '../kit/random.js'
import { Recent } from '../kit/recent.js'
import type { Stage } from './flow.js'

/** What is decided on: a stage of a flow, or a logout. */
export interface Decided {
  readonly id: string
  readonly stage: Stage | 'logout'
}

/** What has happened to a flow, each a bit. */
const taken = { device: 1, login: 2, consent: 4, logout: 8 } as const
const ended = 16
const stages = ['device', 'login', 'consent', 'logout'] as const

/** Some 75 bytes each. */
const fewestMarks = 50_000
/** Of what has not ended; some 200 bytes each. */
const fewestDecisions = 10_000
/** Of what has not ended. */
const maxAnswerBytes = 4 * 1_024 * 1_024

interface UnderWay {
  readonly digest: string
  readonly answer: Promise<string>
}

export class Decisions {
  readonly #marks: Recent<number>
  /** Digests of what was decided. */
  readonly #made: Recent<string>
  readonly #underWay = new Map<string, UnderWay>()
  /** One that is forgotten is given anew, which serves as well. */
  readonly #answers = new LRUCache<string, string>({
    maxSize: maxAnswerBytes,
    sizeCalculation: ({ length }) => length + 200,
  })

  /** @param lifespan Seconds after which a flow or logout is refused anyway. */
  constructor(lifespan: number) {
    this.#marks = new Recent(fewestMarks, lifespan * 1_000)
    this.#made = new Recent(fewestDecisions, lifespan * 1_000)
  }

  reconfigure(lifespan: number): void {
    for (const memory of [this.#marks, this.#made]) memory.lifespanMs = lifespan * 1_000
  }

  /**
   * Makes a decision, or answers the same one again. `decision` is all that it says.
   * Error: `conflict` where another decision was made before.
   */
  async make(on: Decided, decision: Uint8Array, answer: () => Promise<string>): Promise<string> {
    const name = nameOf(on)
    const digest = hash('sha256', decision, 'base64')
    const underWay = this.#underWay.get(name)
    const made = underWay?.digest ?? this.#made.get(name)
    if (made !== undefined && made !== digest)
      throw new OAuthError('conflict', 'Another decision was made on this request before; the first stands.')
    return underWay?.answer ?? this.#answers.get(name) ?? this.#answer(name, digest, answer())
  }

  async #answer(name: string, digest: string, answer: Promise<string>): Promise<string> {
    this.#underWay.set(name, { digest, answer })
    try {
      const given = await answer
      this.#made.set(name, digest)
      this.#answers.set(name, given)
      return given
    } finally {
      this.#underWay.delete(name)
    }
  }

  /** Takes a verifier; false if it was taken before. */
  take({ id, stage }: Decided): boolean {
    const key = compact(id)
    const marks = this.#marks.get(key) ?? 0
    if (marks & taken[stage]) return false
    this.#marks.set(key, marks | taken[stage])
    return true
  }

  /** Gives a verifier back that could not be served. */
  giveBack({ id, stage }: Decided): void {
    const key = compact(id)
    this.#marks.set(key, (this.#marks.get(key) ?? 0) & ~taken[stage])
  }

  /** Nothing more is decided on it. */
  end(id: string): void {
    const key = compact(id)
    this.#marks.set(key, (this.#marks.get(key) ?? 0) | ended)
    for (const stage of stages) {
      const name = nameOf({ id, stage })
      this.#made.delete(name)
      this.#answers.delete(name)
    }
  }

  /** Error: `gone` for what has ended, with the URL by which it can begin anew. */
  checkOpen(id: string, requestUrl: () => string): void {
    if ((this.#marks.get(compact(id)) ?? 0) & ended)
      throw new OAuthError('gone', undefined, { redirectTo: requestUrl() })
  }
}

const nameOf = ({ id, stage }: Decided): string => `${stage} ${id}`

/** A third of what the text takes. */
const compact = (id: string): string => uuidToBytes(id).toString('latin1')
