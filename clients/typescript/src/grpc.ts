// An interceptor for gRPC servers of @grpc/grpc-js.
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js'
import type { ActiveToken } from './decision.js'
import { judge, type Refusal, type Requirement } from './guard.js'
import type { Introspector } from './introspector.js'

const grpcStatus: Readonly<Record<Refusal['status'], status>> = {
  400: status.UNAUTHENTICATED,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  503: status.UNAVAILABLE,
}

/** By the metadata that a handler is given. */
const decisions = new WeakMap<Metadata, ActiveToken>()

/** What a method needs, by its path `/package.Service/Method`; undefined: it is open to everybody. */
export type RequirementOf = (path: string) => Requirement | undefined

/** `requirement`: what every method needs, or what each does. */
export function grpcGuard(
  introspector: Introspector,
  requirement: Requirement | RequirementOf = {},
): ServerInterceptor {
  const requirementOf = typeof requirement === 'function' ? requirement : () => requirement
  return ({ path }, call) => {
    const needed = requirementOf(path)
    return needed ? guardCall(introspector, needed, call) : new ServerInterceptingCall(call)
  }
}

function guardCall(introspector: Introspector, needed: Requirement, call: ServerInterceptingCallInterface) {
  return new ServerInterceptingCall(call, {
    start(next) {
      const listener = new ServerListenerBuilder()
        .withOnReceiveMetadata((metadata, proceed) => {
          const [authorization] = metadata.get('authorization')
          judge(introspector, authorization?.toString(), needed).then((verdict) => {
            if ('token' in verdict) {
              decisions.set(metadata, verdict.token)
              proceed(metadata)
            } else call.sendStatus({ code: grpcStatus[verdict.refusal.status], details: verdict.refusal.description })
          })
        })
        .build()
      next(listener)
    },
  })
}

/** The decision on the token of a call, in its handler; undefined where the method is open to everybody. */
export const authOf = (call: { readonly metadata: Metadata }): ActiveToken | undefined => decisions.get(call.metadata)
