// What each scenario may cost, and what ORY Hydra was measured to cost elsewhere. Microseconds of CPU for each operation, of
// the server and PostgreSQL together.
import { emptyGrpcName, oidcProviderInMemoryName, type ServerAddress, tesseraName } from './servers/server.js'

export interface Target {
  readonly cpuUs?: number
  /** Times what the same call costs where it does nothing. */
  readonly timesEmpty?: number
  readonly statements?: number
  readonly rowsWritten?: number
  readonly walBytes?: number
  readonly growthBytes?: number
}

/** How much more a worker for each of two cores has to do than one. */
export const scalingTarget = 1.8

export interface HydraCost {
  readonly serverUs: number
  readonly postgresUs: number
  /** How its tokens were signed and its secrets hashed there. */
  readonly kind: string
}

const hydra = (serverUs: number, postgresUs: number, kind: string): HydraCost => ({ serverUs, postgresUs, kind })

export const targets: Readonly<Record<string, Target>> = {
  introspection_grpc: { cpuUs: 95, timesEmpty: 1.5 },
  introspection_batch: { cpuUs: 10 },
  introspection_stream: { cpuUs: 10 },
  introspection_http: { cpuUs: 125 },
  client_credentials_opaque: { cpuUs: 140 },
  client_credentials_es256: { cpuUs: 220 },
  client_credentials_rs256: { cpuUs: 1_000 },
  refresh_es256: { cpuUs: 350, statements: 1, rowsWritten: 1, walBytes: 500 },
  refresh_rs256: { cpuUs: 1_100, statements: 1, rowsWritten: 1, walBytes: 500 },
  code_flow_es256: { cpuUs: 1_900, statements: 4, rowsWritten: 3, walBytes: 2_500, growthBytes: 700 },
  code_flow_rs256: { cpuUs: 2_700, statements: 4, rowsWritten: 3, walBytes: 2_500, growthBytes: 700 },
  userinfo: { cpuUs: 140 },
  revoke: { cpuUs: 250 },
  discovery: { cpuUs: 55 },
  jwks: { cpuUs: 55 },
}

const rs256 = 'RS256-4096'

export const hydraCosts: Readonly<Record<string, HydraCost>> = {
  introspection_http: hydra(546, 137, 'opaque'),
  client_credentials_opaque: hydra(4_311, 388, 'opaque, secrets PBKDF2'),
  client_credentials_rs256: hydra(11_321, 556, `${rs256}, secrets PBKDF2`),
  client_credentials_es256: hydra(11_321, 556, `${rs256}, secrets PBKDF2`),
  refresh_es256: hydra(11_115, 1_248, `ID token ${rs256}, secrets PBKDF2`),
  refresh_rs256: hydra(11_115, 1_248, `ID token ${rs256}, secrets PBKDF2`),
  code_flow_es256: hydra(21_776, 2_955, `ID token ${rs256}, secrets PBKDF2`),
  code_flow_rs256: hydra(21_776, 2_955, `ID token ${rs256}, secrets PBKDF2`),
  userinfo: hydra(556, 141, 'opaque'),
  revoke: hydra(4_351, 488, 'opaque, secrets PBKDF2'),
  jwks: hydra(1_568, 132, ''),
  discovery: hydra(873, 75, ''),
}

/**
 * What peers cost on the machine that the targets were set for, by server and scenario: what they cost in a run tells how
 * much slower its machine is.
 */
export const peerCosts: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  [emptyGrpcName]: { introspection_grpc: 63 },
  [oidcProviderInMemoryName]: {
    introspection_http: 153,
    client_credentials_opaque: 141,
    client_credentials_rs256: 520,
    refresh_rs256: 652,
    code_flow_rs256: 2_343,
    userinfo: 147,
  },
}

/** Whose secrets are checked how, wherever a client authenticates; empty where none does. */
export function secretKindOf({ name: server, decidesAt }: ServerAddress): string {
  if (decidesAt !== undefined) return ''
  if (server === tesseraName) return 'secrets HMAC-SHA256'
  return server.startsWith('oidc-provider') ? 'secrets as they are' : 'secrets not known'
}
