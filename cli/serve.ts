// One running server: starts what the role asks for and what development mode puts beside it, and ends all in order.
import type { Role } from '../services/kit/config/check.js'
import type { Config } from '../services/kit/config/config.js'
import { log } from '../services/kit/log.js'
import type { Addresses, Composition } from './compose.js'
import { toStartupError } from './listen_error.js'
import { Surroundings } from './surroundings.js'

/** What calls under way are given to finish; with it the whole server ends within five seconds. */
export const graceMs = 3_000

/** What answers: the services in this process, or processes that each have them all. */
export type Answering = Pick<Composition, 'addresses' | 'start' | 'reconfigure' | 'close'> & {
  reloadCertificates(): void | Promise<void>
  /** Processes; absent for this one. */
  readonly workers?: number
  /** Resolves with the reason if it ends by itself. */
  readonly failed?: Promise<Error>
}

export type Listen = (config: Config, role: Role) => Promise<Answering>

export interface Server {
  readonly config: Config
  readonly addresses: Addresses
  /** Where the demo is, if it runs. */
  readonly demo: string | undefined
  readonly workers: number
  /** Takes up another configuration, for the calls that begin from now on. */
  reconfigure(config: Config): void
  /** Reads all certificates anew. Throws where one is not good. */
  reloadCertificates(): void | Promise<void>
  /** Resolves with the reason if the server ends by itself. */
  readonly failed: Promise<Error>
  close(): Promise<void>
}

const listenHere: Listen = async (config, role) => (await import('./compose.js')).Composition.listen(config, role)

/** Starts a server; resolves when all of it is ready. When `signal` is aborted before that, it ends again. */
export async function startServer(
  given: Config,
  role: Role,
  signal: AbortSignal,
  listen: Listen = listenHere,
): Promise<Server> {
  const begun: { surroundings?: Surroundings; answering?: Answering } = {}
  const close = () => closeAll(begun)
  const abandon = () => void begun.answering?.close(0)
  signal.addEventListener('abort', abandon)
  try {
    const surroundings = await Surroundings.start(given, role)
    begun.surroundings = surroundings
    const config = surroundings.complete(given)
    signal.throwIfAborted()
    const answering = await listen(config, role)
    begun.answering = answering
    signal.throwIfAborted()
    await answering.start()
    signal.throwIfAborted()
    const { addresses } = answering
    await surroundings.connect(config, addresses)
    return {
      config,
      addresses,
      demo: surroundings.demo,
      workers: answering.workers ?? 1,
      reconfigure: (next) => answering.reconfigure(surroundings.complete(next)),
      reloadCertificates: () => answering.reloadCertificates(),
      failed: Promise.race([surroundings.failure(), ...(answering.failed ? [answering.failed] : [])]),
      close,
    }
  } catch (thrown) {
    await close().catch((err) => log.error({ err }, 'the end was not orderly'))
    throw toStartupError(thrown, given)
  } finally {
    // What has begun to answer is ended in order, not abandoned.
    signal.removeEventListener('abort', abandon)
  }
}

async function closeAll(begun: { surroundings?: Surroundings; answering?: Answering }): Promise<void> {
  await begun.surroundings?.close(begun.answering?.close(graceMs))
}
