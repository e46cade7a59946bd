// What development mode makes up: secrets of its own, kept in the data folder.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { developmentPrefix } from '../services/kit/config/secret.js'
import { newSecret } from '../services/kit/random.js'
import { StartupError } from '../services/kit/startup_error.js'

/** The secrets in the data folder; made at the first start. */
export function developmentSecrets(dataDir: string): string[] {
  const path = join(dataDir, 'secrets.json')
  try {
    mkdirSync(dataDir, { recursive: true })
  } catch (cause) {
    throw notWritable(dataDir, 'made', cause)
  }
  const secrets = JSON.stringify({ system: [developmentPrefix + newSecret(43)] })
  try {
    writeFileSync(path, `${secrets}\n`, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw notWritable(path, 'written', cause)
  }
  return readSecrets(path)
}

const notWritable = (path: string, what: string, cause: unknown) =>
  new StartupError(
    `${path} cannot be ${what} (${(cause as NodeJS.ErrnoException).code}): choose a data folder that you can write to with --data`,
  )

function readSecrets(path: string): string[] {
  try {
    const { system } = JSON.parse(readFileSync(path, 'utf8')) as { system: string[] }
    if (Array.isArray(system) && system.every((secret) => typeof secret === 'string')) return system
  } catch {
    // Told below.
  }
  throw new StartupError(
    `${path} does not hold the secrets of development mode: remove it, and sessions and tokens with it, or restore it`,
  )
}
