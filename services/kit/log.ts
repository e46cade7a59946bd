// The log: one JSON line an event. No secret, code or token may reach it; what is known to carry one is cut out by name.
import { pino } from 'pino'

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

/** The log of this process; it goes to standard error, so that standard output stays for people. */
export const log = pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2))

/** Sets how much is logged: `trace`, `debug`, `info`, `warn`, `error` or `silent`. */
export function setLogLevel(level: string): void {
  log.level = level
}
