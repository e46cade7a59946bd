// A gateway before services that a test writes by hand: for what the gateway alone decides.
import { ClientServiceService } from '#proto/client/v1/client_service.js'
import { RegistrationServiceService } from '#proto/client/v1/registration_service.js'
import { AuthorizationServiceService } from '#proto/consent/v1/authorization_service.js'
import { ConsentServiceService } from '#proto/consent/v1/consent_service.js'
import { DeviceServiceService } from '#proto/consent/v1/device_service.js'
import { LoginServiceService } from '#proto/consent/v1/login_service.js'
import { LogoutServiceService } from '#proto/consent/v1/logout_service.js'
import { IntrospectionServiceService } from '#proto/introspection/v1/introspection_service.js'
import { DeviceCodeServiceService } from '#proto/token/v1/device_code_service.js'
import { KeyServiceService } from '#proto/token/v1/key_service.js'
import { TokenServiceService } from '#proto/token/v1/token_service.js'
import { TrustedIssuerServiceService } from '#proto/token/v1/trusted_issuer_service.js'
import { createGateway, type Gateway } from '../../gateway/main.js'
import type { GatewayServices } from '../../gateway/services.js'
import type { Config } from '../../services/kit/config/config.js'
import type { Call, Handlers, Remote, ServiceDefinition } from '../../services/kit/rpc/contract.js'
import { inProcess } from '../../services/kit/rpc/in_process.js'
import { type Overrides, testConfig } from './config.js'
import { checkAnswersOf } from './contract/answers.js'

const definitions = {
  clients: ClientServiceService,
  registration: RegistrationServiceService,
  authorization: AuthorizationServiceService,
  device: DeviceServiceService,
  login: LoginServiceService,
  consent: ConsentServiceService,
  logout: LogoutServiceService,
  tokens: TokenServiceService,
  deviceCodes: DeviceCodeServiceService,
  trustedIssuers: TrustedIssuerServiceService,
  keys: KeyServiceService,
  introspection: IntrospectionServiceService,
} as const

/** What the services answer; a method that a test does not write fails the call. */
export type FakeHandlers = { readonly [S in keyof typeof definitions]?: Partial<Handlers<(typeof definitions)[S]>> }

export interface FakeCall {
  readonly method: string
  readonly request: unknown
  readonly call: Call
}

export interface TestGateway {
  readonly publicUrl: string
  readonly adminUrl: string
  readonly gateway: Gateway
  /** Every call that reached a service, oldest first. */
  readonly calls: FakeCall[]
  close(): Promise<void>
}

export async function startGateway(
  handlers: FakeHandlers = {},
  overrides: Overrides<Config> = {},
): Promise<TestGateway> {
  const calls: FakeCall[] = []
  const remote = <D extends ServiceDefinition>(definition: D, written: object = {}): Remote<D> => {
    const entries = Object.keys(definition).map((method) => {
      const handler = (written as Record<string, (request: unknown, call: unknown) => unknown>)[method]
      const answer = async (request: unknown, call: Call) => {
        calls.push({ method, request, call })
        if (!handler) throw new Error(`the test wrote no ${method}`)
        return handler(request, call)
      }
      return [method, answer] as const
    })
    return inProcess({ definition, handlers: Object.fromEntries(entries) as unknown as Handlers<D> }, 'gateway')
  }
  const services = Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [
      name,
      remote(definition, handlers[name as keyof FakeHandlers]),
    ]),
  ) as unknown as GatewayServices
  const gateway = createGateway(testConfig(overrides), services)
  const urls = await gateway.listen()
  checkAnswersOf(urls)
  gateway.ready = true
  return { ...urls, gateway, calls, close: () => gateway.close(1_000) }
}

/** The request of the last call of a method. */
export const lastRequest = (calls: readonly FakeCall[], method: string): Record<string, unknown> =>
  (calls.findLast((call) => call.method === method)?.request ?? {}) as Record<string, unknown>
