/**
 * Aborts after so many milliseconds, or as soon as one of `signals` does. AbortSignal.any of an AbortSignal.timeout is not
 * the same: in Node.js 20 the garbage collector takes the timeout, and it never fires.
 */
export function timeLimit(milliseconds: number, ...signals: readonly AbortSignal[]): AbortSignal {
  const limit = new AbortController()
  const endWith = ({ reason }: AbortSignal): void => limit.abort(reason)
  setTimeout(() => limit.abort(new DOMException('it took too long', 'TimeoutError')), milliseconds).unref()
  for (const signal of signals) {
    if (signal.aborted) endWith(signal)
    // Goes with the limit: some of these signals live as long as the process.
    else signal.addEventListener('abort', () => endWith(signal), { once: true, signal: limit.signal })
  }
  return limit.signal
}
