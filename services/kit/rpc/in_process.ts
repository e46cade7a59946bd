// Calls a service that runs in this process, as if over the wire: the same rules, deadlines and errors.
import type { Caller, CallOptions, MethodDefinition, Remote, Service, ServiceDefinition } from './contract.js'
import { runStream, runUnary } from './dispatch.js'
import { ruleOf } from './rules.js'

/** The service as `caller` sees it. */
export function inProcess<D extends ServiceDefinition>(service: Service<D>, caller: Caller): Remote<D> {
  const remote: Record<string, unknown> = {}
  for (const [name, method] of Object.entries<MethodDefinition>(service.definition)) {
    const rule = ruleOf(method.path)
    const handler = (service.handlers as Record<string, never>)[name] as never
    remote[name] = method.responseStream
      ? (request: unknown, options?: CallOptions) => runStream(method.path, rule, caller, options, request, handler)
      : async (request: unknown, options?: CallOptions) =>
          runUnary(method.path, rule, caller, options, request, handler)
  }
  return remote as Remote<D>
}
