// The scenarios, in the order in which they run. Those with RS256 access tokens come after those with ES256: the server has
// one key for all.
import { clientCredentialsEs256, clientCredentialsOpaque, clientCredentialsRs256 } from './client_credentials.js'
import { codeFlowEs256, codeFlowRs256 } from './code_flow.js'
import { discovery, jwks } from './documents.js'
import { introspectionHttp, introspectionHttpInvalid, introspectionHttpRevoked } from './introspection.js'
import { introspectionBatch, introspectionGrpc, introspectionStream } from './introspection_grpc.js'
import { localIntrospection } from './local_introspection.js'
import { refreshChainEnd, refreshChainStart, refreshEs256, refreshRs256 } from './refresh.js'
import { registration } from './registration.js'
import { revocation } from './revocation.js'
import type { Scenario } from './scenario.js'
import { userinfo } from './userinfo.js'

export const scenarios: readonly Scenario[] = [
  introspectionGrpc,
  introspectionBatch,
  introspectionStream,
  introspectionHttp,
  introspectionHttpInvalid,
  introspectionHttpRevoked,
  clientCredentialsOpaque,
  clientCredentialsEs256,
  localIntrospection,
  clientCredentialsRs256,
  refreshEs256,
  refreshRs256,
  refreshChainStart,
  refreshChainEnd,
  codeFlowEs256,
  codeFlowRs256,
  userinfo,
  revocation,
  discovery,
  jwks,
  registration,
]
