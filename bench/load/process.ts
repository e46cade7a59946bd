// The process of the load generator: prepares scenarios and drives them, as it is told.

import type { Dialect } from '../dialects/dialect.js'
import { HydraDialect } from '../dialects/hydra.js'
import { OidcProviderDialect } from '../dialects/oidc_provider.js'
import { growthScenarios } from '../growth/scenarios.js'
import { scenarios } from '../scenarios/index.js'
import type { Drive } from '../scenarios/scenario.js'
import type { DialectName, ServerAddress } from '../servers/server.js'
import type { Answer, Order, Place, TaskName, Tasks } from './generator.js'

const dialects: Readonly<Record<DialectName, (server: ServerAddress) => Dialect | undefined>> = {
  hydra: ({ publicUrl, adminUrl, isOwn }) => new HydraDialect(publicUrl, adminUrl, isOwn),
  'oidc-provider': ({ publicUrl }) => new OidcProviderDialect(publicUrl),
  'empty-grpc': () => undefined,
}

const drives = new Map<string, Drive>()
const keyOf = ({ scenario, server }: Place) => `${scenario} ${server.name}`

function driveOf(place: Place): Drive {
  const drive = drives.get(keyOf(place))
  if (!drive) throw new Error(`${place.scenario} is not prepared at ${place.server.name}`)
  return drive
}

const tasks: { readonly [T in TaskName]: (request: Tasks[T]['request']) => Promise<Tasks[T]['answer']> } = {
  async prepare({ scenario: name, server, concurrency, pipelining }) {
    const scenario = [...scenarios, ...growthScenarios].find((candidate) => candidate.name === name)
    if (!scenario) throw new Error(`there is no scenario ${name}`)
    const drive = await scenario.prepare({ server, dialect: dialects[server.dialect](server), concurrency, pipelining })
    drives.set(keyOf({ scenario: name, server }), drive)
    return drive.kind
  },

  async refill({ limit, ...place }) {
    if ('operations' in limit) await driveOf(place).refill?.(limit.operations)
    return undefined
  },

  run: ({ limit, ...place }) => driveOf(place).run(limit),

  async finish(place) {
    await drives.get(keyOf(place))?.finish?.()
    drives.delete(keyOf(place))
    return undefined
  },
}

process.on('message', async ({ id, task, request }: Order) => {
  let answer: Answer
  try {
    answer = { id, result: await tasks[task](request as never) }
  } catch (thrown) {
    answer = { id, error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) }
  }
  process.send?.(answer)
})
process.once('disconnect', () => process.exit(0))
