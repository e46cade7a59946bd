// Says whether access tokens of a Tessera server are good, without asking it for each.
export { type ActiveToken, type Decision, type InactiveToken, IntrospectionUnavailable } from './decision.js'
export { authOf, grpcGuard, type RequirementOf } from './grpc.js'
export { type CoversScope, judge, type Refusal, type Requirement, type Verdict } from './guard.js'
export { type AuthorizedRequest, expressGuard, type KoaContext, koaGuard } from './http.js'
export { Introspector, type IntrospectorStatus } from './introspector.js'
export type { GrpcConnection, HttpConnection, IntrospectorOptions, OnTrouble } from './options.js'
