// The one place that reads the time.

/** Now, in epoch milliseconds. */
export const nowMs = (): number => Date.now()

/** Now, in whole epoch seconds. */
export const nowSeconds = (): number => Math.floor(Date.now() / 1000)

/** A time that only goes forward, in milliseconds: for timeouts and ages, never for dates. */
export const monotonicMs = (): number => performance.now()
