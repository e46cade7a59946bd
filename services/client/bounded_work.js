// Work of which only so much is done at once and only so much may wait.
import { OAuthError } from '../kit/oauth_error.js'
export class BoundedWork {
  #concurrency
  #maxWaiting
  #waiting = []
  #underWay = 0
  constructor(concurrency, maxWaiting) {
    this.#concurrency = concurrency
    this.#maxWaiting = maxWaiting
  }
  /** Does the work when its turn comes. Error: `too_many_requests` where too much waits already. */
  async run(work) {
    if (this.#underWay < this.#concurrency) this.#underWay++
    else await this.#turn()
    try {
      return await work()
    } finally {
      // Who waits takes the place over, so that nobody who comes now can go first.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#underWay--
    }
  }
  #turn() {
    if (this.#waiting.length >= this.#maxWaiting)
      throw new OAuthError('too_many_requests', 'Too many client secrets are being checked.', { retryAfter: 1 })
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }
}
//# sourceMappingURL=bounded_work.js.map
