// The log: one line an event, JSON unless told otherwise. No secret, code or token may reach it; what is known to carry one is cut out by name.
import { pino } from 'pino'
import { logFormats } from './log_format.js'

const secretFields = [
  'authorization',
  'client_secret',
  'clientSecret',
  'client_assertion',
  'clientAssertion',
  'code',
  'code_verifier',
  'token',
  'access_token',
  'accessToken',
  'refresh_token',
  'refreshToken',
  'id_token',
  'idToken',
  'cookie',
  'set-cookie',
  'login_verifier',
  'consent_verifier',
  'logout_verifier',
]

const options = {
  level: 'info',
  redact: {
    paths: secretFields.flatMap((field) => [`request.${field}`, `parameters.${field}`, `headers["${field}"]`]),
  },
}

const standardError = pino.destination(2)
let format = logFormats.json

/** The log of this process; it goes to standard error, so that standard output stays for people. */
export const log = pino(
  { ...options, timestamp: pino.stdTimeFunctions.isoTime },
  { write: (line: string) => void standardError.write(format ? format(line) : line) },
)

/** Sets how lines are written: `json`, `json_pretty` or `text`. */
export function setLogFormat(name: string): void {
  format = logFormats[name]
}

/** Sets how much is logged: `trace`, `debug`, `info`, `warn`, `error` or `silent`. */
export function setLogLevel(level: string): void {
  log.level = level
}
