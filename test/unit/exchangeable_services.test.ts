// Handlers that are exchanged while calls are under way: no call sees two configurations.
import { expect, it } from 'vitest'
import { IntrospectionServiceService } from '#proto/introspection/v1/introspection_service.js'
import { RevocationServiceService } from '#proto/token/v1/revocation_service.js'
import type { Call, Service } from '../../services/kit/rpc/contract.js'
import { ExchangeableServices } from '../../services/kit/rpc/exchangeable.js'

/** Says its name at the beginning and, once it may go on, at the end. */
function named(name: string, goOn: Promise<void>): Service[] {
  const introspect = async () => {
    const begun = name
    await goOn
    return [begun, name]
  }
  async function* watchRevocations() {
    yield name
    await goOn
    yield name
  }
  return [
    { definition: IntrospectionServiceService, handlers: { introspect } as never },
    { definition: RevocationServiceService, handlers: { watchRevocations } as never },
  ]
}

it('a call and a stream run to their end with the handlers that they began with; later ones have the new', async () => {
  let goOn = () => {}
  const waiting = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const exchangeable = new ExchangeableServices(named('old', waiting))
  const [introspection, revocations] = exchangeable.services.map(
    ({ handlers }) => handlers as unknown as Record<string, (request: unknown, call: Call) => unknown>,
  )
  const call = {} as Call
  const before = introspection?.introspect?.({}, call)
  const stream = revocations?.watchRevocations?.({}, call) as AsyncGenerator<string>
  expect((await stream.next()).value).toBe('old')
  exchangeable.exchange(named('new', waiting))
  const after = introspection?.introspect?.({}, call)
  goOn()
  expect(await before).toEqual(['old', 'old'])
  expect((await stream.next()).value).toBe('old')
  expect(await after).toEqual(['new', 'new'])
})
