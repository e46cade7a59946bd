// The channels of a few callers, by grpc-js itself: nothing of Tessera's own client is measured.
import { once } from 'node:events'
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'

/** Callers, each with a connection of its own. */
const callers = 4

export interface UnaryMethod<Q, R> {
  readonly path: string
  readonly requestSerialize: (request: Q) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => R
}

export class GrpcCallers {
  readonly clients: readonly Client[]

  constructor(address: string) {
    // Of channels to one address, grpc-js would make one.
    const options = { 'grpc.use_local_subchannel_pool': 1 }
    this.clients = Array.from({ length: callers }, () => new Client(address, credentials.createInsecure(), options))
  }

  /** One hand for each call that is under way at once. */
  hands<Q, R>(concurrency: number, method: UnaryMethod<Q, R>, next: () => Q, count: (answer: R) => number) {
    return Array.from({ length: concurrency }, (_, index) => async () => {
      const client = this.clients[index % callers] as Client
      return count(await call(client, method, next()))
    })
  }

  /** One hand for each stream, which waits for the answer to a message before it sends the next. */
  streamHands<Q, R>(concurrency: number, method: UnaryMethod<Q, R>, next: () => Q, count: (answer: R) => number) {
    return Array.from({ length: concurrency }, (_, index) => {
      const { path, requestSerialize, responseDeserialize } = method
      const client = this.clients[index % callers] as Client
      const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata(), {})
      // An error is told to whoever waits for an answer.
      stream.on('error', () => undefined)
      return async () => {
        const answered = once(stream, 'data')
        stream.write(next())
        const [answer] = (await answered) as [R]
        return count(answer)
      }
    })
  }

  close(): void {
    for (const client of this.clients) client.close()
  }
}

function call<Q, R>(client: Client, method: UnaryMethod<Q, R>, request: Q): Promise<R> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      { deadline: Date.now() + 10_000 },
      (error: ServiceError | null, answer?: R) => {
        if (error || answer === undefined) reject(error ?? new Error('no answer'))
        else resolve(answer)
      },
    )
  })
}
