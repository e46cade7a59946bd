// One line of the log for each request: who asked for what, and how it was answered. Of the target the path alone, since
// codes, challenges and tokens travel in queries.
import { monotonicMs } from '../../services/kit/clock.js'
import type { HttpListenerConfig } from '../../services/kit/config/config.js'
import { log } from '../../services/kit/log.js'
import type { Context } from './endpoint.js'

/** Logs a request when it has ended; called when it begins. */
export type RequestLog = (ctx: Context) => void

const isHealth = (path: string): boolean => path.startsWith('/health/')

/** `port` is the listener's name; `addressOf` tells where a request came from. */
export function createRequestLog(
  port: 'public' | 'admin',
  { request_log }: Pick<HttpListenerConfig, 'request_log'>,
  addressOf: (ctx: Context) => string,
): RequestLog {
  return (ctx) => {
    if (!log.isLevelEnabled('info')) return
    const { req, res, state } = ctx
    const [path = ''] = (req.url ?? '').split('?', 1)
    if (request_log.disable_for_health && isHealth(path)) return
    const startedAt = monotonicMs()
    // A Unix socket has none.
    const address = addressOf(ctx) || 'unix'
    res.once('close', () => {
      const durationMs = Math.round((monotonicMs() - startedAt) * 10) / 10
      // Whoever hung up has not seen the status.
      const status = res.writableFinished ? res.statusCode : 499
      log.info({ port, method: req.method, path, status, durationMs, requestId: state.requestId, address }, 'request')
    })
  }
}
