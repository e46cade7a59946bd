// What of Hydra's documents the tests have seen: run at the end of `npm test`, it says which documented answers no test got.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { projectRoot } from '../../../services/kit/project_root.js'
import { unseen } from './deviations.js'
import { type Operation, operations } from './documents.js'

/** Where each worker of the test run notes what it saw. */
export const seenFolder = join(projectRoot, 'test/output/contract')

function readSeen(): Set<string> {
  const files = existsSync(seenFolder) ? readdirSync(seenFolder) : []
  return new Set(files.flatMap((file) => readFileSync(join(seenFolder, file), 'utf8').split('\n')))
}

/** The documented answers of an operation that were not seen and have no reason for it. */
function missingOf({ document, id, method, path, answers }: Operation, seen: ReadonlySet<string>): string[] {
  const reasons = unseen[document] ?? {}
  return answers
    .map(({ status }) => status)
    .filter((status) => !seen.has(`${document} ${id} ${status}`))
    .filter((status) => !(id in reasons || status in reasons || `${id} ${status}` in reasons))
    .map((status) => `never seen: ${document} ${id} (${method} ${path}) ${status}`)
}

function main(): void {
  const seen = readSeen()
  const missing = operations.flatMap((operation) => missingOf(operation, seen))
  for (const line of missing) process.stdout.write(`${line}\n`)
  process.stdout.write(`${seen.size - 1} documented answers seen, ${missing.length} missing\n`)
  process.exitCode = missing.length === 0 ? 0 : 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
