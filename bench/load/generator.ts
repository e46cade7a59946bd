// The load generator as the benchmark sees it: a process of its own, so that its CPU is not the servers'.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { projectRoot } from '../../services/kit/project_root.js'
import type { World } from '../scenarios/scenario.js'
import type { ServerAddress } from '../servers/server.js'
import type { Limit, Load } from './meter.js'

/** What it is asked to do, by name. */
export interface Tasks {
  /** Sets up a scenario at a server; tells the kind of keys and tokens. */
  prepare: { request: Place & Pick<World, 'concurrency' | 'pipelining'>; answer: string }
  /** Brings what so many operations will use up. */
  refill: { request: Place & { readonly limit: Limit }; answer: undefined }
  run: { request: Place & { readonly limit: Limit }; answer: Load }
  /** Lets go of what a scenario holds. */
  finish: { request: Place; answer: undefined }
}

export interface Place {
  readonly scenario: string
  readonly server: ServerAddress
}

export type TaskName = keyof Tasks

export interface Order<T extends TaskName = TaskName> {
  readonly id: number
  readonly task: T
  readonly request: Tasks[T]['request']
}

export interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

export class LoadGenerator {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  #count = 0

  constructor() {
    this.#child = fork(`${projectRoot}/build/bench/load/process.js`, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result as never)
      else waiting?.reject(new Error(error))
    })
    this.#child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the load generator ended'))
    })
  }

  do<T extends TaskName>(task: T, request: Tasks[T]['request']): Promise<Tasks[T]['answer']> {
    const order: Order<T> = { id: this.#count++, task, request }
    return new Promise((resolve, reject) => {
      this.#waiting.set(order.id, { resolve, reject })
      this.#child.send(order)
    })
  }

  async stop(): Promise<void> {
    this.#child.disconnect()
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }
}
