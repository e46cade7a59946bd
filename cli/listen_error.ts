// Why a port could not be listened on, with the key that says which port it is.
import type { Config } from '../services/kit/config/config.js'
import { StartupError } from '../services/kit/startup_error.js'

/** The error for the person who starts the process; what has nothing to do with listening stays as it is. */
export function toStartupError(thrown: unknown, { serve }: Config): unknown {
  const text = String((thrown as Error).message)
  const code = /EADDRINUSE|EACCES|EADDRNOTAVAIL|ENOTFOUND/.exec(text)?.[0]
  if (!code) return thrown
  const port = (thrown as { port?: number }).port ?? Number(/:(\d+)(?!.*:\d)/.exec(text)?.[1] ?? serve.grpc.port)
  const key = (['public', 'admin', 'grpc', 'demo'] as const).find((name) => serve[name].port === port) ?? 'grpc'
  const portKey = `serve.${key}.port (${`SERVE_${key}_PORT`.toUpperCase()})`
  switch (code) {
    case 'EADDRINUSE':
      return new StartupError(
        `port ${port} is taken: stop the program that listens there, or set ${portKey} to another`,
      )
    case 'EACCES':
      return new StartupError(`port ${port} may not be listened on by this user: set ${portKey} to one above 1023`)
    default:
      return new StartupError(`serve.${key}.host: this machine has no such address (${code})`)
  }
}
