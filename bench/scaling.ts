// What more workers bring: scenarios at Tessera with one worker and with several, taking turns.
import type { Scaling } from './results.js'
import { type RunOptions, runScenario } from './run.js'
import type { Scenario } from './scenarios/scenario.js'
import { startTessera } from './servers/index.js'
import { type BenchServer, tesseraName } from './servers/server.js'

/**
 * What is measured where nothing is named. Calls by gRPC one at a time are left out: a client takes as much CPU for them as
 * the server, so that on a machine of few cores the load generator cannot keep several workers busy.
 */
export const scaled: readonly string[] = [
  'introspection_http',
  'introspection_batch',
  'client_credentials_opaque',
  'client_credentials_es256',
  'refresh_es256',
  'userinfo',
]

type Pair = Scaling['pairs'][number]

/** `one`: the server with one worker. The other one lives for this alone: idle workers ask the database too. */
export async function measureScaling(
  run: RunOptions,
  scenarios: readonly Scenario[],
  one: BenchServer,
  workers: number,
): Promise<Scaling> {
  const many = await startTessera(run.postgres, {
    workers,
    name: `${tesseraName}, ${workers} workers`,
    database: 'tessera_workers',
  })
  // Requests that travel together cost the load generator half as much, which otherwise cannot keep two workers busy here.
  // What one has compiled helps no other.
  const course = { ...run, pipelining: 8, warmUps: 2 * workers }
  try {
    const pairs: Pair[] = []
    for (const scenario of scenarios) {
      process.stderr.write(`${scenario.title} (${scenario.name}) with ${workers} workers …\n`)
      const [ofOne, ofMany] = await runScenario(course, scenario, [one, many])
      if (ofOne && ofMany) pairs.push({ one: ofOne, many: ofMany })
    }
    return { workers, pairs }
  } finally {
    await many.stop()
  }
}
