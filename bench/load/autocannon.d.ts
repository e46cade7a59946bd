// The part of autocannon that is used here; the package has no types of its own.
declare module 'autocannon' {
  interface Request {
    method?: string
    path?: string
    headers?: Record<string, string>
    body?: string
    setupRequest?: (request: Request) => Request
    onResponse?: (status: number, body: string) => void
  }

  interface Options {
    url: string
    connections: number
    duration?: number
    amount?: number
    /** Seconds until a request counts as failed. */
    timeout?: number
    pipelining?: number
    /** Milliseconds after which a run that is over is noticed. */
    sampleInt?: number
    requests: Request[]
  }

  interface Result {
    errors: number
  }

  interface Instance extends PromiseLike<Result> {
    on(
      event: 'response',
      listener: (client: unknown, status: number, bytes: number, milliseconds: number) => void,
    ): Instance
  }

  function autocannon(options: Options): Instance
  namespace autocannon {
    export type { Request }
  }
  export = autocannon
}
