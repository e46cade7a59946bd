// The types that a generated service definition implies: what its implementation looks like and what its caller sees.
// Both are the same in process and over the wire.

/** One method of a generated `…Service` constant. */
export interface MethodDefinition {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  readonly requestSerialize: (value: never) => Buffer
  readonly requestDeserialize: (value: Buffer) => unknown
  readonly responseSerialize: (value: never) => Buffer
  readonly responseDeserialize: (value: Buffer) => unknown
}

/** A generated `…Service` constant. */
export type ServiceDefinition = Readonly<Record<string, MethodDefinition>>

export type RequestOf<M extends MethodDefinition> = ReturnType<M['requestDeserialize']>
export type ResponseOf<M extends MethodDefinition> = ReturnType<M['responseDeserialize']>

/** What a handler knows about the call that it answers. */
export interface Call {
  /** Who calls: a name from the table of rules. */
  readonly caller: Caller
  /** Names the request that all this began with, for the logs. */
  readonly requestId: string
  /** When the caller stops waiting, on the monotonic clock, in milliseconds. */
  readonly deadline: number
  /** Aborted when the caller stops waiting. */
  readonly signal: AbortSignal
}

/** What a caller may say about its call; a handler passes on the call that it answers, so that its limits hold for all. */
export type CallOptions = Partial<Pick<Call, 'requestId' | 'deadline' | 'signal'>>

export type Caller = 'gateway' | 'client' | 'consent' | 'token' | 'introspection' | 'operator' | 'resource_server'

/** What a caller sends: one message, or many of them. */
export type InputOf<M extends MethodDefinition> = M['requestStream'] extends true
  ? AsyncIterable<RequestOf<M>>
  : RequestOf<M>

/** An implementation of a service. A refusal is a thrown OAuthError. An answer that is frozen is given again as it is. */
export type Handlers<D extends ServiceDefinition> = {
  readonly [M in keyof D]: D[M]['responseStream'] extends true
    ? (request: InputOf<D[M]>, call: Call) => AsyncIterable<ResponseOf<D[M]>>
    : (request: InputOf<D[M]>, call: Call) => ResponseOf<D[M]> | Promise<ResponseOf<D[M]>>
}

/** A service as its callers see it. A refused call throws an OAuthError. */
export type Remote<D extends ServiceDefinition> = {
  readonly [M in keyof D]: D[M]['responseStream'] extends true
    ? (request: InputOf<D[M]>, options?: CallOptions) => AsyncIterable<ResponseOf<D[M]>>
    : (request: InputOf<D[M]>, options?: CallOptions) => Promise<ResponseOf<D[M]>>
}

/** A service definition with its implementation, ready to be served. */
export interface Service<D extends ServiceDefinition = ServiceDefinition> {
  readonly definition: D
  readonly handlers: Handlers<D>
}
